"""Dual training: a teacher of two vocabularies and its student."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from fastbert_tf.losses import MaskedCrossEntropy
from fastbert_tf.models import DualMaskedLm
from fastbert_tf.training.place_metrics import PlaceMetrics
from fastbert_tf.training.predicted_places import number_of, predicted_places, unpredicted
from fastbert_tf.training.stage import Stage


class DualTraining(Stage):
    """Trains teacher and student together ("Extreme Language Model Compression", eq. 1 to 4).

    The loss is projection loss + epsilon x cross-entropies (eq. 4). Each cross-entropy is the mean over the predicted
    places of its model, in nats; the teacher's places fall to two vocabularies, each with its own softmax, and count
    alike. The projection loss is the sum over the weights of mean squared differences (see `SharedProjections`).

    Fit on batches alone, without labels beside them: dicts of `teacher_ids`, `teacher_mask`, `teacher_labels`,
    `student_ids`, `student_mask` and `student_labels`, each int (batch, sequence) with a sequence for each model;
    labels are -1 where nothing is predicted, and in the teacher's ids the student's vocabulary follows its own.

    Reported: `student_loss`, `teacher_loss`, `student_accuracy`, `teacher_accuracy`; with projections also
    `projection_loss` and `loss_ratio`, which is it over epsilon x cross-entropies; and `unpredicted`, the places a
    batch that found no room.

    Args:
        dual: teacher and student; their weights are trained in place.
        epsilon: weight of the cross-entropies, positive.
        p_dt: share of the words that the teacher reads in the student's vocabulary, in [0, 1]; it says how much room
            the teacher's own softmax needs, and changes nothing else.
        prediction_share: expected share of predicted places among all positions, in (0, 1].
        train_teacher: False keeps the teacher as it is; what it predicts still trains the student's table.

    Raises:
        ValueError: a number is outside its range.
    """

    monitor = "student_loss"
    higher_is_better = False

    def __init__(
        self,
        dual: DualMaskedLm,
        epsilon: float = 1.0,
        p_dt: float = 0.5,
        prediction_share: float = 0.15,
        train_teacher: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(dual, **kwargs)
        if not epsilon > 0:
            raise ValueError(f"epsilon must be positive, but is {epsilon}")
        if not 0 <= p_dt <= 1:
            raise ValueError(f"p_dt must be in [0, 1], but is {p_dt}")
        if not 0 < prediction_share <= 1:
            raise ValueError(f"prediction_share must be in (0, 1], but is {prediction_share}")
        self.epsilon = epsilon
        self.p_dt = p_dt
        self.prediction_share = prediction_share
        self.train_teacher = train_teacher
        self.cross_entropy = MaskedCrossEntropy()
        self.student_places = PlaceMetrics("student_")
        self.teacher_places = PlaceMetrics("teacher_")
        self.tracked = self.student_places.metrics + self.teacher_places.metrics  # Keras finds metrics in lists
        names = ["unpredicted"] + (["projection_loss", "loss_ratio"] if dual.projections else [])
        self.means = {name: keras.metrics.Mean(name=name) for name in names}

    @property
    def trained_layers(self) -> list[keras.Layer]:
        if self.train_teacher:
            return [self.network]
        dual = self.network
        return [dual.student, dual.lift, dual.lifted_logits, *([dual.projections] if dual.projections else [])]

    def call(self, inputs: dict[str, Any], training: bool | None = None) -> tuple[Any, Any, Any]:
        """Returns the logits of `DualMaskedLm` at the predicted places."""
        places = {f"{name}_places": place for name, (place, _) in self._places(inputs).items()}
        models = {name: inputs[name] for name in ("teacher_ids", "teacher_mask", "student_ids", "student_mask")}
        return self.network({**models, **places}, training=training)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, **_: Any
    ) -> Any:
        """Returns eq. 4 for batch `x` and the logits `y_pred` of `call`."""
        answers = [(targets, logits) for (_, targets), logits in zip(self._places(x).values(), y_pred, strict=True)]
        own, lifted, student = answers
        teacher_loss, student_loss = self._mean(own, lifted), self._mean(student)
        self.teacher_places.update(teacher_loss, own, lifted)
        self.student_places.update(student_loss, student)
        self.means["unpredicted"].update_state(self._unpredicted(x, [targets for targets, _ in answers]))
        cross_entropies = self.epsilon * (student_loss + teacher_loss)
        if self.network.projections is None:
            return cross_entropies
        projection_loss = self.network.projections.projection_loss()
        self.means["projection_loss"].update_state(projection_loss)
        self.means["loss_ratio"].update_state(projection_loss / ops.maximum(cross_entropies, keras.config.epsilon()))
        return projection_loss + cross_entropies

    def _places(self, inputs: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
        """Returns (places, targets) of the three softmaxes, in the order of the model's outputs."""
        mixed = inputs["teacher_labels"]
        size = self.network.teacher.config.vocabulary_size
        own = ops.where(mixed < size, mixed, -1)
        lifted = ops.where(mixed < size, -1, mixed - size)
        return {
            "teacher": predicted_places(own, self.prediction_share * (1 - self.p_dt)),
            "lifted": predicted_places(lifted, self.prediction_share),  # its words have more pieces: no sharper bound
            "student": predicted_places(inputs["student_labels"], self.prediction_share),
        }

    def _mean(self, *answers: tuple[Any, Any]) -> Any:
        count = sum(number_of(targets) for targets, _ in answers)
        nats = sum(self.cross_entropy(targets, logits) for targets, logits in answers)
        return nats / ops.cast(ops.maximum(count, 1), "float32")

    def _unpredicted(self, inputs: dict[str, Any], targets: list[Any]) -> Any:
        own, lifted, student = targets
        in_teacher = unpredicted(inputs["teacher_labels"], ops.concatenate([own, lifted]))
        return in_teacher + unpredicted(inputs["student_labels"], student)
