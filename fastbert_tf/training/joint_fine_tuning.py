"""The ablation without self-distillation: every branch learns from labels, together with the backbone."""

from __future__ import annotations

from typing import Any

import keras

from fastbert_tf.models import FastBert
from fastbert_tf.training.fastbert_stage import FastBertStage


class JointFineTuning(FastBertStage):
    """Trains the backbone and all branches on labels (FastBERT, table 3, "without self-distillation").

    Fit on `(inputs, labels)` with labels int (batch,). The loss is the sum of the branches' cross-entropies;
    `accuracy` is the teacher's.

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
        return [self.fastbert]

    def call(self, inputs: dict[str, Any], training: bool | None = None) -> Any:
        """Returns float32 logits (batch, layers, classes)."""
        return self.fastbert(inputs, training=training)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, **_: Any
    ) -> Any:
        """Returns the mean over rows of the sum over branches of the cross-entropy with labels `y` (batch,)."""
        branches = range(y_pred.shape[1])
        return sum(self.cross_entropy(y, y_pred[:, branch], sample_weight) for branch in branches)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        return super().compute_metrics(x, y, y_pred[:, -1], sample_weight)
