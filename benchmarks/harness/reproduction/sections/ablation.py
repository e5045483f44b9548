"""Without self-distillation, and without adaptive inference (table 3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastbert_tf.evaluation import OperatingPoint, SpeedCurve
from harness.performance.markdown import table
from harness.reproduction import published
from harness.reproduction.cells import accuracy_at

PUBLISHED_TASK = "book_review"


def ablation(summaries: Sequence[dict[str, Any]]) -> str | None:
    """The paper's rows, for each task whose ablation was made."""
    rows = []
    for summary in summaries:
        if "joint_curve" not in summary:
            continue
        for name, point in zip(published.TABLE_3, _points(summary), strict=True):
            known = published.TABLE_3[name] if summary["task"] == PUBLISHED_TASK else None
            cells = ["", ""] if known is None else [f"{known.accuracy}", f"{known.speedup}x"]
            rows.append([summary["title"], name, *cells, accuracy_at(point), f"{point.paper_speedup:.2f}x"])
    if not rows:
        return None
    heads = ["task", "model", "published, %", "speedup", "here, %", "speedup"]
    return (
        "## Ablation (table 3)\n\nAs the paper prints it: accuracies at speedups that differ, by paper FLOPs, by which "
        "a fixed depth pays for all branches up to it. The claims' table compares at equal cost.\n\n"
        + table(heads, rows)
    )


def _points(summary: dict[str, Any]) -> list[OperatingPoint]:
    """Those of the rows of table 3."""
    with_both, without = (SpeedCurve.from_dict(summary[name]) for name in ("curve", "joint_curve"))
    layers = len(with_both.fixed_depths)
    at_speeds = [_at(curve, speed) for curve in (with_both, without) for speed in (0.2, 0.7)]
    return [*at_speeds, with_both.fixed_depths[layers // 2 - 1], with_both.fixed_depths[max(layers // 6, 1) - 1]]


def _at(curve: SpeedCurve, speed: float) -> OperatingPoint:
    return next(point for point in curve.points if point.speed == speed)
