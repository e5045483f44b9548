"""The linear dial: which speed makes rows how many times cheaper."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastbert_tf.calibration.speed_sums import SpeedSums
from fastbert_tf.config import Config

STEP = 1.01
"""Ratio of two neighbours in the table, where the policy is that fine: a request is at most half of it off."""


@dataclass(frozen=True)
class Dial(Config):
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
    def borders(self) -> tuple[float, ...]:
        """Speedups in the middle between neighbours, by ratio: a request gets the speed of the nearest entry."""
        speedups = np.array(self.speedups)
        return tuple(np.sqrt(speedups[:-1] * speedups[1:]).tolist())

    def speed(self, speedup: float | np.ndarray) -> np.ndarray:
        """Looks speeds up.

        Args:
            speedup: at least 1, of any shape; more than `most` gets the speed of `most`.

        Returns:
            float32 speeds, shaped as `speedup`.

        Raises:
            ValueError: a speedup is below 1 or NaN.
        """
        speedup = np.asarray(speedup)
        if not np.all(speedup >= 1):
            raise ValueError(f"a speedup must be at least 1, but is {speedup}; 1 runs all layers")
        return np.array(self.speeds, np.float32)[np.searchsorted(self.borders, speedup)]


def learn_dial(doubts: np.ndarray, costs: np.ndarray, full_cost: float) -> Dial:
    """Learns the table from rows.

    Args:
        doubts: float (rows, exits - 1), a policy's doubt of every row at every exit but the last.
        costs: float (rows, exits), executed work of each row if it leaves there.
        full_cost: mean executed work of a row in the plain encoder.
    """
    sums = SpeedSums(doubts)
    speeds = _speeds_between(sums.places)
    speedups = full_cost / (sums.at(costs.astype(np.float64), speeds) / len(doubts))
    table = [(1.0, 0.0)]  # the least speeds only add branches: they are slower than that
    for speedup, speed in zip(speedups.tolist(), speeds.tolist(), strict=True):
        if speedup >= table[-1][0] * STEP:
            table.append((speedup, speed))
    return Dial(*zip(*table, strict=True))


def _speeds_between(places: np.ndarray) -> np.ndarray:
    """Returns float32 speeds in (0, 1], rising: one in the middle of each pair of places that differ, and 1."""
    distinct = np.unique(places[places < 1])
    above = np.append(distinct[1:], np.float32(1))
    middles = (distinct + above) / 2
    return np.unique(np.where(middles > distinct, middles, above)).astype(np.float32)
