"""Stage 1: backbone and teacher on labels."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from fastbert_tf.models import FastBert
from fastbert_tf.training.fastbert_stage import FastBertStage


class FineTuning(FastBertStage):
    """Fine-tunes the backbone and the teacher classifier; students are not computed (FastBERT, section 3.2.2).

    Fit on `(inputs, labels)` with labels int (batch,). The loss is the cross-entropy of the teacher; `accuracy` is
    the teacher's.

    Args:
        fastbert: the model; its weights are trained in place.
    """

    monitor = "accuracy"
    higher_is_better = True

    def __init__(self, fastbert: FastBert, **kwargs: Any) -> None:
        super().__init__(fastbert, **kwargs)
        self.cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    @property
    def trained_layers(self) -> list[keras.Layer]:
        return [self.fastbert.backbone, self.fastbert.teacher]

    def call(self, inputs: dict[str, Any], training: bool | None = None) -> Any:
        """Returns the teacher's float32 logits (batch, classes)."""
        last = self.fastbert.backbone(inputs, training=training)[-1]  # (batch, sequence, hidden)
        return ops.cast(self.fastbert.teacher(last, inputs["padding_mask"]), "float32")

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, **_: Any
    ) -> Any:
        """Returns the mean cross-entropy of teacher logits `y_pred` (batch, classes) and labels `y` (batch,)."""
        return self.cross_entropy(y, y_pred, sample_weight)
