"""What a speed costs and what it is worth, as measured at export."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastbert_serving.manifest import Manifest

SPEED_STEP = 0.05
"""Distance of the speeds that a controller chooses from; a step changes the cost by some 5 to 10 %."""


class CostCurve:
    """Cost and accuracy over speed.

    Args:
        speeds: measured speeds in [0, 1], rising.
        costs: work of a row at each speed, relative to the dearest.
        accuracies: accuracy at each speed.

    Raises:
        ValueError: fewer than 2 points, lists of different length, speeds that do not rise, or a cost that is not
            positive.
    """

    def __init__(self, speeds: Sequence[float], costs: Sequence[float], accuracies: Sequence[float]) -> None:
        self.speeds = np.asarray(speeds, float)
        self.costs = np.asarray(costs, float)
        self.accuracies = np.asarray(accuracies, float)
        if len(speeds) < 2 or not len(speeds) == len(costs) == len(accuracies):
            raise ValueError(
                f"a curve needs 2 points or more, each with speed, cost and accuracy, but has {len(speeds)} speeds, "
                f"{len(costs)} costs and {len(accuracies)} accuracies"
            )
        if not np.all(np.diff(self.speeds) > 0):
            raise ValueError(f"the speeds of a curve must rise, but are {self.speeds.tolist()}; sort them")
        if not np.all(self.costs > 0):
            raise ValueError(f"the costs of a curve must be positive, but are {self.costs.tolist()}")
        self.costs /= self.costs.max()

    @classmethod
    def from_manifest(cls, manifest: Manifest) -> CostCurve:
        """Reads executed FLOPs as the cost, and the metric `accuracy`, or the headline metric where there is none.

        Raises:
            ValueError: the manifest has no curve, or one without costs or metrics; the message says how to get one.
        """
        if manifest.curve is None:
            raise ValueError(
                "load control needs the curve of an evaluation, but the manifest has none; export with --evaluation"
            )
        return cls.from_points(manifest.curve)

    @classmethod
    def from_points(cls, curve: dict[str, Any]) -> CostCurve:
        """As `from_manifest`, from its `curve` alone."""
        points: list[dict[str, Any]] = sorted(
            (point for point in curve["points"] if point["speed"] is not None), key=lambda point: point["speed"]
        )
        names = [*curve.get("metric_names", ())]
        metric = "accuracy" if "accuracy" in names or not names else names[0]
        try:
            costs = [float(point["executed_flops"]) for point in points]
            accuracies = [float(point["metrics"][metric]) for point in points]
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"load control needs executed_flops and {metric} at every point of the manifest's curve, but {error} "
                "is missing; evaluate on labelled rows and export again"
            ) from error
        return cls([point["speed"] for point in points], costs, accuracies)

    def cost(self, speed: Any) -> Any:
        """Returns the cost of a row at a speed, or of rows at an array of speeds; straight between the points."""
        return np.interp(speed, self.speeds, self.costs)

    def accuracy(self, speed: float) -> float:
        """Returns an accuracy that a speed keeps: between two points, the lower one's."""
        above = int(np.searchsorted(self.speeds, speed - 1e-9))
        around = [min(above, len(self.speeds) - 1)]
        if above < len(self.speeds) and self.speeds[above] > speed + 1e-9:
            around.append(max(above - 1, 0))
        return float(self.accuracies[around].min())

    def choices(self, rest_speed: float, lowest_accuracy: float) -> list[float]:
        """Returns the speeds that a controller may choose, rising.

        Args:
            rest_speed: the first of them, taken as it is: the speed without load.
            lowest_accuracy: speeds with less are left out.

        Returns:
            Speeds, each cheaper than the one before.
        """
        steps = np.round(np.arange(0, 1 + SPEED_STEP / 2, SPEED_STEP), 6)
        chosen = [rest_speed]
        for speed in sorted({*steps.tolist(), *self.speeds.tolist()}):
            if (
                speed > rest_speed
                and self.accuracy(speed) >= lowest_accuracy
                and self.cost(speed) < self.cost(chosen[-1]) - 1e-9
            ):
                chosen.append(speed)
        return chosen
