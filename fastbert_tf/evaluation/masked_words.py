"""How many masked words a model predicts right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from fastbert_tf.models import MaskedLm

_PLACES = 64  # places are filled up to a multiple of it, so that few shapes are traced


@dataclass(frozen=True)
class MaskedWords:
    """Masked-word prediction on one text ("Extreme Language Model Compression", table 2)."""

    places: int
    """Predicted places, pieces of words."""
    right: int
    """Those predicted right."""
    nats: float
    """Sum of -log P(label)."""

    @property
    def accuracy(self) -> float:
        """Share of the places predicted right, in [0, 1]."""
        return self.right / self.places

    @property
    def cross_entropy(self) -> float:
        """Mean -log P(label), in nats."""
        return self.nats / self.places


def masked_words(
    model: MaskedLm, batches: Iterable[dict[str, Any]], side: str = "student", progress: bool = False
) -> MaskedWords:
    """Predicts every masked place of the batches, in inference mode.

    Args:
        model: encoder and head.
        batches: dicts of int (batch, sequence) `SIDE_ids`, `SIDE_mask` and `SIDE_labels`, -1 where nothing is
            predicted; each batch has its own padded length.
        side: `student` or `teacher`.
        progress: whether to show a progress bar.

    Raises:
        ValueError: nothing is predicted in any batch, or an id is not of the model's vocabulary.
    """
    predict = _answers_graph(model)
    bar = keras.utils.Progbar(None, unit_name="batch") if progress else None
    places, right, nats, count = 0, 0, 0.0, 0
    for batch in batches:
        ids, mask, labels = (np.asarray(batch[f"{side}_{name}"], np.int32) for name in ("ids", "mask", "labels"))
        _require_ids(model, ids, labels)
        where = np.flatnonzero(labels >= 0)  # (places,)
        padded = np.pad(where, (0, -len(where) % _PLACES))
        targets = labels.reshape(-1)[where]
        log_p, said = predict(ids, mask, padded.astype(np.int32), labels.reshape(-1)[padded].clip(0))
        places += len(where)
        right += int((said.numpy()[: len(where)] == targets).sum())
        nats -= float(log_p.numpy()[: len(where)].sum(dtype=np.float64))
        count += 1
        if bar:
            bar.add(1)
    if bar:
        bar.update(count, finalize=True)
    if not places:
        raise ValueError("no place is predicted in these batches; give batches with labels")
    return MaskedWords(places, right, nats)


def _require_ids(model: MaskedLm, ids: np.ndarray, labels: np.ndarray) -> None:
    size = model.config.vocabulary_size
    largest = max(ids.max(initial=0), labels.max(initial=0))
    if largest >= size:
        raise ValueError(
            f"ids must be below {size}, the model's vocabulary, but one is {largest}; "
            "cut the text with the vocabulary that belongs to this model"
        )


def _answers_graph(model: MaskedLm) -> Any:
    """Traces the model once for all batch shapes: log P(label) and the most probable id of every place."""

    def answers(ids: tf.Tensor, mask: tf.Tensor, places: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        logits = model({"token_ids": ids, "padding_mask": mask, "places": places}, training=False)
        log_p = tf.gather(tf.nn.log_softmax(logits), labels, batch_dims=1)  # (places,)
        return log_p, tf.argmax(logits, axis=-1, output_type=tf.int32)

    rows, flat = tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None], tf.int32)
    return tf.function(answers, input_signature=[rows, rows, flat, flat], autograph=False)
