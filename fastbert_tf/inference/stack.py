"""What the exit loop knows of a model."""

from __future__ import annotations

from typing import Any, Protocol


class Stack(Protocol):
    """The four calls of the exit loop. `state` is any nest of tensors with the same structure after every layer."""

    num_layers: int
    """Layers, each with a branch."""
    num_classes: int
    """Classes of every branch."""

    def start(self, inputs: dict[str, Any]) -> Any:
        """Embeds int (rows, sequence) `token_ids`, `segment_ids` and `padding_mask` into the first state."""

    def layer(self, index: int, state: Any) -> Any:
        """Applies layer `index`, counted from 0."""

    def classify(self, index: int, state: Any) -> Any:
        """Returns float32 probabilities (rows, classes) of the branch after layer `index`."""

    def keep(self, state: Any, rows: Any) -> Any:
        """Returns the state of the given rows, int (kept,), in that order."""


class SavableStack(Stack, Protocol):
    """A stack that can be exported."""

    @property
    def variables(self) -> list[Any]:
        """The Keras variables that the stack reads: the exported object tracks them. Other weights are constants."""
