"""Stage 2: students on the teacher's soft labels."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from fastbert_tf.losses import SoftTargetDivergence
from fastbert_tf.models import FastBert
from fastbert_tf.training.fastbert_stage import FastBertStage


class SelfDistillation(FastBertStage):
    """Trains the student classifiers to answer as the teacher does (FastBERT, section 3.2.3 and eq. 5-6).

    Backbone and teacher are frozen and run in inference mode, without dropout. Fit on inputs alone: labels, where
    the data has them, are not read, so any text will do.

    Args:
        fastbert: the model; its students are trained in place.
        divergence: `forward` for KL(teacher || student), `reverse` for KL(student || teacher), eq. 5.

    Raises:
        ValueError: the model has a single layer, so no student; or another divergence is asked for.
    """

    monitor = "loss"
    higher_is_better = False

    def __init__(self, fastbert: FastBert, divergence: str = "forward", **kwargs: Any) -> None:
        super().__init__(fastbert, **kwargs)
        if not fastbert.students:
            raise ValueError("Self-distillation needs at least 2 layers: with 1 there is no student to train")
        self.divergence = SoftTargetDivergence(divergence)

    @property
    def trained_layers(self) -> list[keras.Layer]:
        return list(self.fastbert.students)

    def call(self, inputs: dict[str, Any], training: bool | None = None) -> Any:
        """Returns float32 logits (batch, layers, classes); no gradient reaches the backbone."""
        hidden_states = self.fastbert.backbone(inputs, training=False)
        logits = [
            branch(ops.stop_gradient(hidden), inputs["padding_mask"])
            for branch, hidden in zip(self.fastbert.branches, hidden_states, strict=True)
        ]
        return ops.cast(ops.stack(logits, axis=1), "float32")

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, **_: Any
    ) -> Any:
        """Returns the sum over students of their divergence from the teacher, mean over rows, in nats."""
        return self.divergence(ops.stop_gradient(y_pred[:, -1]), y_pred[:, :-1], sample_weight)
