"""Estimates as cells of tables."""

from __future__ import annotations

from fastbert_tf.evaluation import OperatingPoint
from harness.reproduction.bootstrap import Estimate


def in_points(estimate: Estimate) -> str:
    """A difference in percentage points, with its interval."""
    value, low, high = _hundredfold(estimate)
    return f"{value:+.2f} [{low:+.2f}, {high:+.2f}]"


def in_percent(estimate: Estimate) -> str:
    """A share, with its interval."""
    value, low, high = _hundredfold(estimate)
    return f"{value:.1f} % [{low:.1f}, {high:.1f}]"


def accuracy(estimate: Estimate) -> str:
    """An accuracy in percent, under a heading that says so, with its interval."""
    value, low, high = _hundredfold(estimate)
    return f"{value:.2f} [{low:.2f}, {high:.2f}]"


def accuracy_at(point: OperatingPoint) -> str:
    """The accuracy of a point of a curve that has intervals, likewise."""
    assert point.intervals is not None
    low, high = point.intervals["accuracy"]
    return accuracy({"value": point.metrics["accuracy"], "low": low, "high": high})


def _hundredfold(estimate: Estimate) -> list[float]:
    return [100 * estimate[name] for name in ("value", "low", "high")]
