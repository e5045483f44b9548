"""How numbers are written."""

from __future__ import annotations

from fastbert_tf.evaluation.bootstrap import CONFIDENCE
from fastbert_tf.evaluation.operating_point import OperatingPoint
from fastbert_tf.evaluation.table import interval_text

INTERVAL = f"{CONFIDENCE:.0%}".replace("%", " %")
"""Heading of a column of intervals."""


def times(ratio: float) -> str:
    """Returns a ratio: `2.13x`."""
    return f"{ratio:.2f}x"


def points(change: float) -> str:
    """Returns a change as percentage points with a sign, never `-0.0`."""
    return f"{round(100 * change, 1) + 0.0:+.1f}"


def points_interval(ends: tuple[float, float]) -> str:
    """Returns the ends of a change's interval, as percentage points."""
    return f"{points(ends[0])} to {points(ends[1])}"


def value_cells(point: OperatingPoint, metric: str) -> tuple[str, str]:
    """Returns a metric and its interval; empty where it has none."""
    return f"{point.metrics[metric]:.4f}", interval_text(point, metric)


def share(part: int, whole: int) -> str:
    """Returns `12 (3.4 %)`."""
    return f"{part:,} ({100 * part / whole:.1f} %)" if whole else f"{part:,}"
