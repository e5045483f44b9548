"""Masked-language-model training of one model."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from fastbert_tf.losses import MaskedCrossEntropy
from fastbert_tf.models import MaskedLm
from fastbert_tf.training.place_metrics import PlaceMetrics
from fastbert_tf.training.predicted_places import number_of, predicted_places, unpredicted
from fastbert_tf.training.stage import Stage

SIDES = ("teacher", "student")


class MaskedLmTraining(Stage):
    """Trains a masked language model on its side of dual batches: a student without its teacher (the paper's NoKD).

    With `head_only` the encoder is frozen and runs in inference mode, which warms up the head that a pretrained
    teacher lacks. Fit on batches alone, without labels beside them: dicts of `SIDE_ids`, `SIDE_mask` and `SIDE_labels`
    (-1 where nothing is predicted), each int (batch, sequence); what else they hold is not read. The loss is the mean
    cross-entropy over the predicted places, in nats; `accuracy` is the share of places predicted right, `unpredicted`
    the places a batch that found no room.

    Args:
        masked_lm: the model; its weights are trained in place.
        side: which part of the batches is its own, `teacher` or `student`.
        prediction_share: expected share of predicted places among all positions, in (0, 1].
        head_only: whether only the head is trained.

    Raises:
        ValueError: another side is named, or the share is outside its range.
    """

    monitor = "loss"
    higher_is_better = False

    def __init__(
        self,
        masked_lm: MaskedLm,
        side: str = "student",
        prediction_share: float = 0.15,
        head_only: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(masked_lm, **kwargs)
        if side not in SIDES:
            raise ValueError(f"side must be one of {SIDES}, but is {side!r}")
        if not 0 < prediction_share <= 1:
            raise ValueError(f"prediction_share must be in (0, 1], but is {prediction_share}")
        self.side = side
        self.prediction_share = prediction_share
        self.head_only = head_only
        self.cross_entropy = MaskedCrossEntropy()
        self.places = PlaceMetrics()
        self.unpredicted = keras.metrics.Mean(name="unpredicted")
        self.tracked = self.places.metrics  # Keras finds metrics in lists, not in objects

    @property
    def trained_layers(self) -> list[keras.Layer]:
        return self.network.head if self.head_only else [self.network]

    def call(self, inputs: dict[str, Any], training: bool | None = None) -> Any:
        """Returns float32 logits (places, vocabulary)."""
        places, _ = self._places(inputs)
        mine = {"token_ids": inputs[f"{self.side}_ids"], "padding_mask": inputs[f"{self.side}_mask"], "places": places}
        return self.network(mine, training=False if self.head_only else training)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, **_: Any
    ) -> Any:
        """Returns the mean over the predicted places of batch `x` of their cross-entropy with `y_pred`."""
        _, targets = self._places(x)
        loss = self.cross_entropy(targets, y_pred) / ops.cast(ops.maximum(number_of(targets), 1), "float32")
        self.places.update(loss, (targets, y_pred))
        self.unpredicted.update_state(unpredicted(x[f"{self.side}_labels"], targets))
        return loss

    def _places(self, inputs: dict[str, Any]) -> tuple[Any, Any]:
        return predicted_places(inputs[f"{self.side}_labels"], self.prediction_share)
