"""Exit policies: when is an answer good enough?"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from keras import ops

from fastbert_tf.inference.uncertainty import normalized_entropy


class ExitPolicy(ABC):
    """One pure `keras.ops` function of what the branches have said so far.

    The exit loop and the offline simulation call the same policy object; a policy never sees other rows.
    """

    @abstractmethod
    def wants_exit(self, said: Any, layer: Any, speed: Any) -> Any:
        """Decides which rows are answered well enough.

        Args:
            said: float (rows, layers, classes), the branches' probabilities up to and including `layer`, 0 after it.
            layer: int scalar, the layer just computed, counted from 0.
            speed: float (rows,), in [0, 1].

        Returns:
            bool (rows,).
        """

    def leaves(self, said: Any, layer: Any, speed: Any) -> Any:
        """As `wants_exit`, but at the last layer every row leaves, with the teacher's answer."""
        last = ops.equal(layer, said.shape[1] - 1)
        return ops.logical_or(self.wants_exit(said, layer, speed), last)


class NormalizedEntropy(ExitPolicy):
    """A row leaves where the uncertainty of the newest branch is below the speed (FastBERT, section 3.3)."""

    def wants_exit(self, said: Any, layer: Any, speed: Any) -> Any:
        newest = ops.take(said, layer, axis=1)  # (rows, classes)
        return normalized_entropy(newest) < speed
