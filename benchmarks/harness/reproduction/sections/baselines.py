"""Smaller and trivial models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from fastbert_tf.evaluation import SpeedCurve
from harness.performance.markdown import table
from harness.reproduction.cells import accuracy, accuracy_at, in_points
from harness.reproduction.sections.curves import MILLISECONDS, milliseconds
from harness.reproduction.times import FULL_DEPTH, N_GRAMS

HEADS = ["task", "model", "accuracy, %", "executed speedup", "adaptive at that cost, points more", *MILLISECONDS]


def baselines(summaries: Sequence[dict[str, Any]]) -> str | None:
    """One line a model, below the full depth."""
    rows = [row for summary in summaries for row in _rows(summary)]
    if not rows:
        return None
    return (
        "## Baselines\n\nThe n-grams' milliseconds begin with text, the others' with tokens; cut encoders and students "
        "were not timed.\n\n" + table(HEADS, rows)
    )


def _rows(summary: dict[str, Any]) -> Iterator[list[str]]:
    title, times = summary["title"], summary.get("times", {})
    if "curve" in summary:
        full = SpeedCurve.from_dict(summary["curve"]).full_depth
        yield [title, "full depth", accuracy_at(full), "1.00x", "", *milliseconds(times, FULL_DEPTH)]
    if "bag_of_words" in summary:
        cells = [accuracy(summary["bag_of_words"]), "", "", *milliseconds(times, N_GRAMS)]
        yield [title, "n-grams, linear (scikit-learn)", *cells]
    for kind, one in summary.get("baselines", {}).items():
        name, depth = kind.split("_")
        model = f"{'first layers, fine-tuned' if name == 'cut' else 'distilled student'}, {depth}"
        yield [title, model, accuracy(one["accuracy"]), f"{one['speedup']:.2f}x", in_points(one["difference"]), "", ""]
