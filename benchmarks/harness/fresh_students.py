"""A trained model whose students know nothing."""

from __future__ import annotations

import keras

from fastbert_tf.models import FastBert


def with_fresh_students(trained: FastBert, seed: int) -> FastBert:
    """Returns a model with the trained backbone and teacher, and students that know nothing."""
    keras.utils.set_random_seed(seed)
    model = FastBert.from_fastbert_config(trained.config)
    model.backbone.set_weights(trained.backbone.get_weights())
    model.teacher.set_weights(trained.teacher.get_weights())
    return model
