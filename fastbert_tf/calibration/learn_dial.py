"""Learns the dial from calibration rows."""

from __future__ import annotations

import numpy as np

from fastbert_serving.dial import Dial
from fastbert_tf.calibration.speed_sums import SpeedSums

STEP = 1.01
"""Ratio of two neighbours in the table, where the policy is that fine: a request is at most half of it off."""


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
