"""The linear dial: which speed makes rows how many times cheaper."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Dial:
    """A table of speedups, and the speed of each: what was reached on calibration rows.

    A speedup is the executed work of the plain encoder, which asks no branch, over that of adaptive inference, each a
    mean over the rows. The plain encoder is speedup 1, speed 0.

    Raises:
        ValueError: a field breaks its rule.
    """

    speedups: tuple[float, ...]
    """Rising from 1."""
    speeds: tuple[float, ...]
    """Rising from 0, at most 1."""

    def __post_init__(self) -> None:
        for name, first in (("speedups", 1), ("speeds", 0)):
            values = tuple(getattr(self, name))
            object.__setattr__(self, name, values)
            if not values or values[0] != first or not all(a < b for a, b in zip(values, values[1:], strict=False)):
                raise ValueError(f"the {name} of a dial must rise from {first}, but are {values}; calibrate again")
        if len(self.speedups) != len(self.speeds) or self.speeds[-1] > 1:
            raise ValueError("a dial has one speed a speedup, at most 1; calibrate again")

    @property
    def most(self) -> float:
        """The largest speedup that this model reaches."""
        return self.speedups[-1]

    @property
    def borders(self) -> np.ndarray:
        """Speedups in the middle between neighbours, by ratio, float32: a request gets the speed of the nearest one."""
        speedups = np.array(self.speedups)
        return np.sqrt(speedups[:-1] * speedups[1:]).astype(np.float32)

    def speed(self, speedup: float | np.ndarray) -> np.ndarray:
        """Looks speeds up.

        Args:
            speedup: at least 1, of any shape; more than `most` gets the speed of `most`.

        Returns:
            float32 speeds, shaped as `speedup`.

        Raises:
            ValueError: a speedup is below 1 or NaN.
        """
        speedup = np.asarray(speedup, np.float32)
        if not np.all(speedup >= 1):
            raise ValueError(f"a speedup must be at least 1, but is {speedup}; 1 runs all layers")
        return np.array(self.speeds, np.float32)[np.searchsorted(self.borders, speedup, side="right")]
