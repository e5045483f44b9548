"""Word distillation: a student learns its teacher's states, word by word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from fastbert_tf.losses import unexplained_variance
from fastbert_tf.models import WordEncoder, checked_layer_map
from fastbert_tf.training.stage import Stage


class WordDistillation(Stage):
    """Trains a student of any vocabulary to have its teacher's hidden states, on text without labels.

    Both read the same words. For every word, `[CLS]` and `[SEP]`, the mean of the student's states over its pieces,
    lifted to the teacher's width, is compared with the mean of the teacher's over its own. The loss is the share of the
    teacher's variance that is left unexplained: its mean over the embeddings' output and all layers, plus that of the
    last layer's mean over whole rows, which is the sentence's vector where the teacher is a sentence encoder. (After
    TinyBERT's general distillation, Jiao et al., 2020, which needs one vocabulary for both.)

    Fit on batches alone: dicts of `teacher_ids`, `teacher_words`, `student_ids`, `student_words`, each int (batch,
    sequence) with a sequence for each model, and `word_mask`, int (batch, words); see `WordEncoder`.

    Reported: `embeddings`, `last_layer` and `rows`, the shares unexplained there.

    Args:
        student: a `WordEncoder` with lifts to the teacher's width; its weights are trained in place.
        teacher: a `WordEncoder` without lifts; it stays as it is and runs in inference mode.
        layer_map: the teacher's layer, counted from 1, for every layer of the student; None maps layer i to layer i.

    Raises:
        ValueError: the widths or the layers do not fit.
    """

    monitor = "loss"
    higher_is_better = False

    def __init__(
        self, student: WordEncoder, teacher: WordEncoder, layer_map: Sequence[int] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(student, **kwargs)
        if student.lifted_dim != teacher.config.hidden_dim or teacher.lifts:
            raise ValueError(
                f"the student must be lifted to the teacher's {teacher.config.hidden_dim} units and the teacher not at "
                f"all, but they are lifted to {student.lifted_dim} and {teacher.lifted_dim}; set lifted_dim"
            )
        layers = checked_layer_map(layer_map, teacher.config.num_layers, student.config.num_layers)
        self.teacher = teacher
        self.levels = (0, *layers)
        self.means = [keras.metrics.Mean(name=name) for name in ("embeddings", "last_layer", "rows")]

    @property
    def trained_layers(self) -> list[keras.Layer]:
        return [self.network]

    def call(self, inputs: dict[str, Any], training: bool | None = None) -> tuple[list[Any], list[Any]]:
        """Returns the states of the teacher and the lifted ones of the student, level by level."""
        taught = self.teacher(_side("teacher", inputs), training=False)
        learned = self.network(_side("student", inputs), training=training)
        return [ops.stop_gradient(taught[level]) for level in self.levels], learned

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, **_: Any
    ) -> Any:
        """Returns the share unexplained for batch `x` and the states `y_pred` of `call`."""
        taught, learned = y_pred
        mask = x["word_mask"]
        words = [
            unexplained_variance(theirs[:, :-1], ours[:, :-1], mask)
            for theirs, ours in zip(taught, learned, strict=True)
        ]
        rows = unexplained_variance(taught[-1][:, -1], learned[-1][:, -1], ops.ones_like(mask[:, 0]))
        for metric, value in zip(self.means, (words[0], words[-1], rows), strict=True):
            metric.update_state(value)
        return sum(words) / len(words) + rows


def _side(side: str, inputs: dict[str, Any]) -> dict[str, Any]:
    return {
        "token_ids": inputs[f"{side}_ids"],
        "word_numbers": inputs[f"{side}_words"],
        "word_mask": inputs["word_mask"],
    }
