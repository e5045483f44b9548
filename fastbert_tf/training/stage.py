"""What all training stages share."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import keras


class Stage(keras.Model):
    """Trains some layers of a network through public `compile` and `fit`, and leaves all others untouched.

    A stage names its layers instead of switching `trainable` flags on the shared network, so stages can live side by
    side and no forgotten `compile` trains a frozen weight.

    Args:
        network: the model; its weights are trained in place, and its variables are what a run saves.
    """

    monitor: str
    """Entry of `evaluate()` that selects the best epoch."""
    higher_is_better: bool
    """Whether more of `monitor` is better."""

    def __init__(self, network: keras.Model, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.network = network
        self.built = True

    @property
    @abstractmethod
    def trained_layers(self) -> list[keras.Layer]:
        """The layers whose weights this stage changes."""

    @property
    def trainable_variables(self) -> list[Any]:
        return [variable for layer in self.trained_layers for variable in layer.trainable_variables]

    @property
    def trainable_weights(self) -> list[Any]:
        return self.trainable_variables

    @property
    def non_trainable_variables(self) -> list[Any]:
        trained = {id(variable) for variable in self.trainable_variables}
        return [variable for variable in self.variables if id(variable) not in trained]

    @property
    def non_trainable_weights(self) -> list[Any]:
        trained = {id(variable) for variable in self.trainable_variables}
        return [variable for variable in self.weights if id(variable) not in trained]
