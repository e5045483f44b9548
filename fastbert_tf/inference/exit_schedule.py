"""Which branches are asked, and when the batch shrinks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fastbert_tf.config import Config


@dataclass(frozen=True)
class ExitSchedule(Config):
    """The steps of the exit loop: all layers up to the next branch that is on, then that branch.

    Raises:
        ValueError: a field breaks its rule.
    """

    exits: tuple[int, ...]
    """Layers whose branch is on, counted from 1, rising; the last one is the model's last layer, the teacher."""
    shrink_share: float = 0.0
    """Share of the batch's rows that must have their answer before these rows are taken out, in [0, 1]; 0 takes out
    every row at once. Taking rows out copies the others, which costs more than a few rows in passing are worth."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "exits", tuple(self.exits))
        if not self.exits or any(isinstance(exit, bool) or not isinstance(exit, int) for exit in self.exits):
            raise ValueError(f"exits must be layer numbers, at least one, but are {self.exits!r}")
        if self.exits[0] < 1 or any(a >= b for a, b in zip(self.exits, self.exits[1:], strict=False)):
            raise ValueError(f"exits must rise and count layers from 1, but are {self.exits}; sort them")
        if not 0 <= self.shrink_share <= 1:  # NaN fails both comparisons
            raise ValueError(f"shrink_share must be in [0, 1], but is {self.shrink_share}; 0 shrinks at once")

    @classmethod
    def every_layer(cls, num_layers: int) -> ExitSchedule:
        """All branches on; every row is taken out as soon as it has its answer."""
        return cls(tuple(range(1, num_layers + 1)))

    def check(self, num_layers: int) -> ExitSchedule:
        """Returns the schedule, if it is one of a model with so many layers.

        Raises:
            ValueError: the last exit is not the last layer.
        """
        if self.exits[-1] != num_layers:
            raise ValueError(
                f"the last exit must be the model's last layer {num_layers}, the teacher, but exits are {self.exits}"
            )
        return self

    def steps(self) -> Iterator[range]:
        """Yields the layers of every step, counted from 0; each step ends with the branch of its last layer."""
        for before, exit in zip((0, *self.exits), self.exits, strict=False):
            yield range(before, exit)
