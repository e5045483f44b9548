"""Running loss and accuracy over predicted places."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from fastbert_tf.training.predicted_places import number_of


class PlaceMetrics:
    """Cross-entropy and accuracy of one model, weighted by the number of places.

    Args:
        prefix: put before `loss` and `accuracy`; empty leaves out the loss, which Keras reports itself.
    """

    def __init__(self, prefix: str = "") -> None:
        self.loss = keras.metrics.Mean(name=f"{prefix}loss") if prefix else None
        self.accuracy = keras.metrics.Mean(name=f"{prefix}accuracy")

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The metrics, for the stage that reports them."""
        return [self.accuracy] if self.loss is None else [self.loss, self.accuracy]

    def update(self, loss: Any, *answers: tuple[Any, Any]) -> None:
        """Adds a batch: its mean cross-entropy, and (targets, logits) of every vocabulary."""
        count = sum(ops.cast(number_of(targets), "float32") for targets, _ in answers)
        right = sum(_right(targets, logits) for targets, logits in answers)
        self.accuracy.update_state(right / ops.maximum(count, 1.0), sample_weight=count)
        if self.loss is not None:
            self.loss.update_state(loss, sample_weight=count)


def _right(targets: Any, logits: Any) -> Any:
    said = ops.cast(ops.argmax(logits, axis=-1), targets.dtype)
    return ops.sum(ops.cast(ops.equal(said, targets), "float32"))
