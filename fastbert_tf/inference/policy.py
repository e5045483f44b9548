"""Exit policies: when is an answer good enough?"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from fastbert_tf.inference.uncertainty import normalized_entropy


class ExitPolicy(ABC):
    """One pure `keras.ops` function of what the branches have said so far.

    The exit loop and the offline simulation call the same policy object; a policy never sees other rows, nor branches
    that a schedule leaves out.
    """

    memory: int = 0
    """Answers before the newest one that `wants_exit` reads; the loop keeps no more."""

    @abstractmethod
    def wants_exit(self, said: Sequence[Any], speed: Any) -> Any:
        """Decides which rows are answered well enough. Rows with speed 0 stay whatever it says.

        Args:
            said: the branches' probabilities, each float (rows, classes), the newest last: at most `memory` earlier
                ones, fewer at the first exits.
            speed: float (rows,), in [0, 1].

        Returns:
            bool (rows,).
        """


class NormalizedEntropy(ExitPolicy):
    """A row leaves where the uncertainty of the newest branch is below the speed (FastBERT, section 3.3)."""

    def wants_exit(self, said: Sequence[Any], speed: Any) -> Any:
        return normalized_entropy(said[-1]) < speed
