"""How long an answer takes with so much work in flight, learned from the calls themselves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fastbert_serving.control.tail_ratio import TailRatio

PRIOR_SHARE = 0.6
"""Share of the time that grows with the work in flight, as long as all loads seen were alike."""
PRIOR_SPREAD = 0.25
"""Spread of the loads seen, relative to their mean, at which that assumption and the data weigh the same."""
MOST_WEIGHT = 20.0
"""Observations in a bin beyond which new ones replace old ones."""
HALF_LIFE_SECONDS = 30.0
"""Time in which a bin without observations loses half its weight."""
LEAST_WEIGHT = 0.5
"""A bin that weighs less is forgotten, else one of a slower day would hold the line up for ever."""


@dataclass
class _Bin:
    weight: float = 0.0
    work: float = 0.0
    seconds: float = 0.0
    seen: float = 0.0

    def weight_at(self, now: float) -> float:
        return self.weight * 0.5 ** ((now - self.seen) / HALF_LIFE_SECONDS)


class LatencyModel:
    """The line `seconds = fixed + slope * work in flight`, for rows of cost 1.

    In a server that runs one batch after the other, a call waits for what is ahead of it and runs together with what
    comes along: its time grows with the work in flight. The slope is the time that one more row takes; its inverse is
    the capacity, with whatever batching and parallel work the server does. So the line can be learned in front of any
    server, without a look inside. Observations go into bins of load, each twice as high as the one before, so that
    what a surge has taught is not driven out at once by the calm after it.

    `fixed` and `slope` are 0 until the first observation.
    """

    def __init__(self) -> None:
        self.fixed = 0.0
        self.slope = 0.0
        self._bins: dict[int, _Bin] = {}
        self._tail = TailRatio()

    def learn(self, now: float, calls: Sequence[tuple[float, float, float]]) -> None:
        """Takes some calls that ended together.

        Args:
            now: the time, in seconds.
            calls: of each the work of others in flight when it arrived, its own work, and the seconds that it took,
                all over the cost of its rows.
        """
        answers = np.asarray(calls)  # (calls, 3)
        others, own, seconds = answers.mean(0).tolist()
        self.observe(now, others + own, seconds)
        self._tail.observe(now, answers, self.fixed, self.slope)

    def observe(self, now: float, work: float, seconds: float) -> None:
        """Takes the mean of some calls.

        Args:
            now: the time, in seconds.
            work: work in flight when they arrived, their own included, over the cost of their rows; positive.
            seconds: the time that they took, over the cost of their rows.
        """
        one = self._bins.setdefault(round(math.log2(work)), _Bin())
        one.weight = min(one.weight_at(now) + 1, MOST_WEIGHT)
        one.work += (work - one.work) / one.weight
        one.seconds += (seconds - one.seconds) / one.weight
        one.seen = now
        self._bins = {number: one for number, one in self._bins.items() if one.weight_at(now) >= LEAST_WEIGHT}
        self._fit(now)

    def mean_seconds(self, cost: float, utilisation: float) -> float:
        """Predicts the mean time of an answer.

        With the utilisation u, work in flight is what arrives in that time and the row itself (Little's law), which
        gives `cost * (fixed + slope) / (1 - u)`.

        Args:
            cost: cost of a row.
            utilisation: work that arrives over the capacity; below 1.
        """
        return cost * (self.fixed + self.slope) / (1 - utilisation)

    def p99_seconds(self, cost: float, utilisation: float) -> float:
        """Predicts the 99th percentile of the time of an answer; the arguments are those of `mean_seconds`."""
        return self._tail.ratio * self.mean_seconds(cost, utilisation)

    def _fit(self, now: float) -> None:
        """Least squares over the bins; the prior weighs as much as a small spread of loads."""
        bins = [(one.weight_at(now), one.work, one.seconds) for one in self._bins.values()]
        total = sum(weight for weight, _, _ in bins)
        work = sum(weight * x for weight, x, _ in bins) / total
        seconds = sum(weight * y for weight, _, y in bins) / total
        spread = sum(weight * (x - work) ** 2 for weight, x, _ in bins)
        covariance = sum(weight * (x - work) * (y - seconds) for weight, x, y in bins)
        steepest = seconds / work  # a line through the origin: no fixed part
        prior = (PRIOR_SPREAD * work) ** 2
        slope = (covariance + prior * PRIOR_SHARE * steepest) / (spread + prior)
        self.slope = min(max(slope, 0.05 * steepest), steepest)
        self.fixed = seconds - self.slope * work
