"""Cross-entropy at the predicted places."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="fastbert_tf")
class MaskedCrossEntropy(keras.losses.Loss):
    """Sum over the predicted places of -log P(label) ("Extreme Language Model Compression", eq. 3, minimised).

    A label of -1 fills a place that is not predicted; it adds nothing. The sum is not divided: the teacher's places
    fall to two vocabularies, and their sums are divided together, by the number of places of both.
    """

    def __init__(self, name: str = "masked_cross_entropy", reduction: str = "sum", **kwargs: Any) -> None:
        super().__init__(name=name, reduction=reduction, **kwargs)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Compares labels and logits.

        Args:
            y_true: label ids (places,), -1 where nothing is predicted.
            y_pred: logits (places, vocabulary).

        Returns:
            -log P(label) of every place, in nats (places,); 0 where nothing is predicted.
        """
        labels = ops.cast(y_true, "int32")
        logits = ops.cast(y_pred, "float32")
        nats = ops.sparse_categorical_crossentropy(ops.maximum(labels, 0), logits, from_logits=True)  # (places,)
        return nats * ops.cast(labels >= 0, nats.dtype)
