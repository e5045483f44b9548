"""Task distillation: a smaller model learns a task from one that was fine-tuned on it."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from fastbert_tf.models import FastBert
from fastbert_tf.training.fastbert_stage import FastBertStage

TEMPERATURE = 2.0
"""Divides the logits of both models in the soft term."""


class TaskDistillation(FastBertStage):
    """Trains the backbone and the last classifier of a model on labels and on what a larger model says.

    Its terms are DistilBERT's (Sanh et al., 2019, section 2), with labels in the place of masked words: half the
    cross-entropy with the labels, half the divergence KL(teacher || student) at temperature 2, times 4, and 1 - cosine
    between the last hidden states, for each row a mean over its real tokens. That paper names no weights: these are
    ours. The student's own branches below its last layer are not computed.

    Fit on `(inputs, labels)` with labels int (batch,); `accuracy` is the student's.

    Args:
        fastbert: the student; its weights are trained in place.
        teacher: fine-tuned, of the same width and classes; it stays as it is and runs in inference mode.

    Raises:
        ValueError: the two models differ in width or classes.
    """

    monitor = "accuracy"
    higher_is_better = True

    def __init__(self, fastbert: FastBert, teacher: FastBert, **kwargs: Any) -> None:
        super().__init__(fastbert, **kwargs)
        shapes = [(model.config.backbone.hidden_dim, model.num_classes) for model in (fastbert, teacher)]
        if shapes[0] != shapes[1]:
            raise ValueError(
                f"student and teacher must agree in width and classes, but have {shapes[0]} and {shapes[1]}; build the "
                "student with the teacher's"
            )
        self.teacher = teacher

    @property
    def trained_layers(self) -> list[keras.Layer]:
        return [self.fastbert.backbone, self.fastbert.teacher]

    def call(self, inputs: dict[str, Any], training: bool | None = None) -> tuple[Any, Any, Any]:
        """Returns the float32 logits (batch, classes) of student and teacher, and the cosine of states (batch,).

        The cosine is a mean over the row's real tokens.
        """
        mask = inputs["padding_mask"]
        learned = self.fastbert.backbone(inputs, training=training)[-1]  # (batch, sequence, hidden)
        taught = self.teacher.backbone(inputs, training=False)[-1]
        logits = [
            ops.cast(model.teacher(hidden, mask), "float32")
            for model, hidden in ((self.fastbert, learned), (self.teacher, taught))
        ]
        states = [ops.normalize(ops.cast(hidden, "float32"), axis=-1) for hidden in (learned, taught)]
        real = ops.cast(mask, "float32")
        cosine = ops.sum(states[0] * ops.stop_gradient(states[1]), axis=-1)  # (batch, sequence)
        return logits[0], ops.stop_gradient(logits[1]), ops.sum(cosine * real, axis=1) / ops.sum(real, axis=1)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, **_: Any
    ) -> Any:
        """Returns the loss, a mean over rows.

        Args:
            x: not read.
            y: int (batch,), labels.
            y_pred: what `call` returned.
            sample_weight: float (batch,), times which each row's loss is taken, all of its terms; None for 1.
        """
        learned, taught, cosine = y_pred
        own, other = (ops.log_softmax(logits / TEMPERATURE) for logits in (learned, taught))
        divergence = ops.sum(ops.exp(other) * (other - own), axis=-1)  # (batch,)
        hard = ops.sparse_categorical_crossentropy(y, learned, from_logits=True)
        rows = 0.5 * hard + 0.5 * TEMPERATURE**2 * divergence + 1 - cosine
        if sample_weight is not None:
            rows = rows * ops.cast(ops.reshape(sample_weight, (-1,)), rows.dtype)
        return ops.mean(rows)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        return super().compute_metrics(x, y, y_pred[0], sample_weight)
