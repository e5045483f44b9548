"""Accuracy and cost at every speed, from one forward pass."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastbert_tf.config import FastBertConfig
from fastbert_tf.evaluation.bootstrap import Interval, metric_intervals
from fastbert_tf.evaluation.branch_outputs import BranchOutputs
from fastbert_tf.evaluation.flops import PAPER_SEQUENCE_LENGTH, executed_flops, paper_flops
from fastbert_tf.evaluation.metrics import check_metrics, compute_metrics
from fastbert_tf.evaluation.operating_point import OperatingPoint
from fastbert_tf.evaluation.record import SCHEMA_VERSION, Record, check_schema_version
from fastbert_tf.inference import ExitPolicy, ExitSchedule, doubts, exit_layers, policy_settings

DEFAULT_SPEEDS = tuple(step / 10 for step in range(11))
"""0.0, 0.1 ... 1.0."""


@dataclass(frozen=True)
class SpeedCurve(Record):
    """What speed costs in accuracy, for one model, policy and data set."""

    config: FastBertConfig
    """The model's shape."""
    policy: str
    """Class name of the exit policy."""
    metric_names: tuple[str, ...]
    """Metrics of every point; the first is the headline. Empty for unlabelled rows."""
    rows: int
    """Rows evaluated."""
    mean_length: float
    """Real tokens a row."""
    sequence_length: int
    """Padded length of the paper FLOPs, in tokens."""
    full_depth: OperatingPoint
    """The reference: all layers, the teacher alone."""
    fixed_depths: tuple[OperatingPoint, ...]
    """Every row leaves at layer 1, 2 ...: what each branch can do ("without adaptive inference", table 3)."""
    points: tuple[OperatingPoint, ...]
    """Adaptive inference, speeds rising."""
    mean_padded_length: float | None = None
    """Tokens a row that the executed FLOPs count where they are of the padded Keras layers, as in evaluations by older
    versions; None: they are of the packed graph, which computes real tokens."""
    exit_policy: dict[str, Any] | None = None
    """Name and parameters of the exit policy; None: the normalised entropy, as in evaluations by older versions."""
    draws: int = 0
    """Resamplings of the rows behind the intervals of all points; 0: they have none."""

    def __post_init__(self) -> None:
        if isinstance(self.config, dict):
            object.__setattr__(self, "config", FastBertConfig.from_dict(self.config))
        if isinstance(self.full_depth, dict):
            object.__setattr__(self, "full_depth", OperatingPoint.from_dict(self.full_depth))
        for name in ("fixed_depths", "points"):
            points = (point if isinstance(point, OperatingPoint) else OperatingPoint.from_dict(point)
                      for point in getattr(self, name))  # fmt: skip
            object.__setattr__(self, name, tuple(points))
        object.__setattr__(self, "metric_names", tuple(self.metric_names))

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as plain JSON types, with a `schema_version`."""
        return {"schema_version": SCHEMA_VERSION, **super().to_dict()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> SpeedCurve:
        """Builds the curve from what `to_dict` returned, also after a trip through JSON.

        Raises:
            ValueError: another schema version wrote the values, or a field is unknown or missing.
        """
        return super().from_dict(check_schema_version("the speed curve", values))


def speed_curve(
    outputs: BranchOutputs,
    policy: ExitPolicy,
    config: FastBertConfig,
    metrics: Sequence[str] = ("accuracy",),
    speeds: Iterable[float] = DEFAULT_SPEEDS,
    sequence_length: int = PAPER_SEQUENCE_LENGTH,
    schedule: ExitSchedule | None = None,
    draws: int = 0,
) -> SpeedCurve:
    """Replays adaptive inference at every speed.

    Args:
        outputs: all branches' answers; unlabelled rows give a curve of costs alone.
        policy: the exit rule, the object that the exit loop calls.
        config: the model's shape.
        metrics: names from `accuracy`, `f1` (2 classes) and `matthews`; must be empty for unlabelled rows.
        speeds: thresholds in [0, 1].
        sequence_length: padded length of the paper FLOPs, in tokens.
        schedule: the branches that are asked, with which the points are replayed; None for all.
        draws: resamplings of the rows behind each metric's interval, or 0 for no intervals; `bootstrap.DRAWS` is what
            `fastbert evaluate` takes.

    Returns:
        The curve, speeds rising.

    Raises:
        ValueError: a speed is outside [0, 1] or NaN, a metric is unknown or needs labels, draws is negative, or outputs
            and config are of different models.
    """
    speeds = check_speeds(speeds)
    metrics = check_metrics(metrics, config.num_classes)
    rows, layers, classes = outputs.probabilities.shape
    if (layers, classes) != (config.backbone.num_layers, config.num_classes):
        raise ValueError(
            f"the outputs are of {layers} layers and {classes} classes, but the config says "
            f"{config.backbone.num_layers} and {config.num_classes}; pass the config of the model that predicted them"
        )
    if metrics and outputs.labels is None:
        raise ValueError(f"metrics {', '.join(metrics)} need labels, but the rows have none; pass metrics=()")
    if draws < 0:
        raise ValueError(f"draws must be at least 0, but is {draws}; 0 draws no intervals")
    schedule = (schedule or ExitSchedule.every_layer(layers)).check(layers)
    replay = _Replay(outputs, config, metrics, sequence_length, schedule.exits, draws if metrics else 0)
    every_row = np.ones(rows, np.int32)
    found = doubts(policy, outputs.probabilities, schedule)
    return SpeedCurve(
        config=config,
        policy=type(policy).__name__,
        exit_policy=policy_settings(policy),
        metric_names=metrics,
        rows=rows,
        mean_length=float(outputs.lengths.mean()),
        sequence_length=sequence_length,
        full_depth=replay.full_depth(),
        fixed_depths=tuple(replay.point(None, layer * every_row) for layer in range(1, layers + 1)),
        points=tuple(replay.point(speed, exit_layers(found, speed, schedule)) for speed in speeds),
        draws=replay.draws,
    )


def check_speeds(speeds: Iterable[float]) -> tuple[float, ...]:
    """Returns distinct speeds, rising.

    Raises:
        ValueError: there is none, or one is outside [0, 1] or NaN.
    """
    checked = sorted({float(speed) for speed in speeds})
    for speed in checked:
        if not 0 <= speed <= 1:  # NaN fails both comparisons
            raise ValueError(f"speed must be in [0, 1], but is {speed}; 0 runs all layers, 1 leaves earliest")
    if not checked:
        raise ValueError("there is no speed to evaluate at; pass at least one in [0, 1]")
    return tuple(checked)


class _Replay:
    """Turns exit layers into operating points."""

    def __init__(
        self,
        outputs: BranchOutputs,
        config: FastBertConfig,
        metrics: tuple[str, ...],
        sequence_length: int,
        exits: tuple[int, ...],
        draws: int,
    ) -> None:
        self.outputs = outputs
        self.config = config
        self.metrics = metrics
        self.sequence_length = sequence_length
        self.exits = exits
        self.draws = draws
        self.paper_reference = self._paper(None)
        self.executed_reference = self._executed(None)

    def point(self, speed: float | None, exit_layer: np.ndarray) -> OperatingPoint:
        """Describes rows that left at the given layers (rows,)."""
        paper = self._paper(exit_layer)
        executed = self.executed_reference if speed == 0 else self._executed(exit_layer)  # no branch is asked at 0
        return self._describe(speed, exit_layer, paper, executed)

    def full_depth(self) -> OperatingPoint:
        """Describes all layers and the teacher alone."""
        num_layers = self.config.backbone.num_layers
        exit_layer = np.full(len(self.outputs), num_layers)
        return self._describe(None, exit_layer, self.paper_reference, self.executed_reference)

    def _describe(self, speed: float | None, exit_layer: np.ndarray, paper: float, executed: float) -> OperatingPoint:
        predictions = self.outputs.predictions[np.arange(len(exit_layer)), exit_layer - 1]  # (rows,)
        labels = self.outputs.labels
        histogram = np.bincount(exit_layer - 1, minlength=self.config.backbone.num_layers)  # (layers,)
        return OperatingPoint(
            speed=speed,
            metrics={} if labels is None else compute_metrics(self.metrics, labels, predictions),
            exit_layers=tuple(histogram.tolist()),
            mean_exit_layer=float(exit_layer.mean()),
            paper_flops=paper,
            paper_speedup=self.paper_reference / paper,
            executed_flops=executed,
            executed_speedup=self.executed_reference / executed,
            intervals=self._intervals(predictions),
        )

    def _intervals(self, predictions: np.ndarray) -> dict[str, Interval] | None:
        labels = self.outputs.labels
        if labels is None or not self.draws:
            return None
        return metric_intervals(self.metrics, labels, predictions, draws=self.draws)

    def _paper(self, exit_layer: np.ndarray | None) -> float:
        return float(paper_flops(self.config, exit_layer, self.sequence_length, self.exits).mean())

    def _executed(self, exit_layer: np.ndarray | None) -> float:
        return float(executed_flops(self.config, exit_layer, self.outputs.lengths, self.exits).mean())
