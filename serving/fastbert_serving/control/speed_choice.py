"""Which speed a load needs."""

from __future__ import annotations

from typing import NamedTuple

from fastbert_serving.control.latency_model import LatencyModel

MOST_UTILISATION = 0.8
"""Share of the capacity that may be used; the rest is for the noise of arrivals and of the estimates."""
MOST_OF_TARGET = 0.9
"""Share of the target that the predicted 99th percentile may take."""
DOWN_MARGIN = 0.8
"""Part of both limits within which a lower speed than the one in force must stay."""


class Choice(NamedTuple):
    """A speed that a load needs."""

    speed: float
    """The lowest that fits, or the highest there is."""
    fits: bool
    """Whether it fits."""


class SpeedChoice:
    """Finds the lowest speed whose predicted utilisation and latency stay within limits.

    Args:
        costs: cost of a row by speed, speeds rising and costs falling.
        target_p99_seconds: where the 99th percentile shall stay.
    """

    def __init__(self, costs: dict[float, float], target_p99_seconds: float) -> None:
        self.costs = costs
        self.target_p99_seconds = target_p99_seconds

    def least(self, model: LatencyModel, rows: float, work: float, in_force: float) -> Choice:
        """Chooses.

        Args:
            model: predicts latency.
            rows: rows a second whose speed is to be chosen.
            work: work a second besides them.
            in_force: the speed now.
        """
        for speed, cost in self.costs.items():
            margin = 1.0 if speed >= in_force else DOWN_MARGIN
            utilisation = (rows * cost + work) * model.slope
            if utilisation <= MOST_UTILISATION * margin:
                p99 = model.p99_seconds(cost, utilisation)
                if p99 <= MOST_OF_TARGET * margin * self.target_p99_seconds:
                    return Choice(speed, True)
        return Choice(speed, False)
