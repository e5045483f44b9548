"""Kullback-Leibler divergence between teacher and students."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="fastbert_tf")
class SoftTargetDivergence(keras.losses.Loss):
    """Sum over the students of a KL divergence to the teacher's soft labels (FastBERT, eq. 5-6).

    `forward` is KL(teacher || student), as in the authors' code, which made the published numbers;
    `reverse` is KL(student || teacher), as eq. 5 prints it.

    Args:
        divergence: `forward` or `reverse`.

    Raises:
        ValueError: another divergence is asked for.
    """

    def __init__(
        self, divergence: str = "forward", name: str = "soft_target_divergence", reduction: str = "mean", **kwargs: Any
    ) -> None:
        if divergence not in ("forward", "reverse"):
            raise ValueError(f"divergence must be 'forward' or 'reverse', but is {divergence!r}")
        super().__init__(name=name, reduction=reduction, **kwargs)
        self.divergence = divergence

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Compares logits.

        Args:
            y_true: the teacher's logits (batch, classes).
            y_pred: the students' logits (batch, students, classes).

        Returns:
            The sum over students, in nats (batch,).
        """
        teacher = ops.log_softmax(ops.cast(y_true, "float32"))[:, None]  # (batch, 1, classes)
        students = ops.log_softmax(ops.cast(y_pred, "float32"))  # (batch, students, classes)
        difference = teacher - students
        weighted = ops.exp(teacher) * difference if self.divergence == "forward" else -ops.exp(students) * difference
        return ops.sum(weighted, axis=(1, 2))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "divergence": self.divergence}
