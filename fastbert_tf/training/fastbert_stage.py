"""What the training stages of FastBERT share."""

from __future__ import annotations

from typing import Any

from fastbert_tf.models import FastBert
from fastbert_tf.training.stage import Stage


class FastBertStage(Stage):
    """Trains some layers of a `FastBert`.

    Args:
        fastbert: the model; its weights are trained in place.
    """

    def __init__(self, fastbert: FastBert, **kwargs: Any) -> None:
        super().__init__(fastbert, **kwargs)

    @property
    def fastbert(self) -> FastBert:
        """The model."""
        return self.network
