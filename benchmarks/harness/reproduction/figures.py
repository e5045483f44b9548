"""The figures of docs/reproduction.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastbert_tf.evaluation import SpeedCurve
from fastbert_tf.evaluation.convergence_plot import plot_convergence
from fastbert_tf.evaluation.plots import plot_speedup_accuracy, save_figure
from harness.reproduction.stored import RESULTS

CONVERGENCE, CURVES = "convergence.svg", "speedup_accuracy.svg"


def draw(summaries: Sequence[dict[str, Any]]) -> None:
    """Draws what there is."""
    made = {summary["title"]: summary for summary in summaries if "curve" in summary}
    if made:
        curves = {title: SpeedCurve.from_dict(summary["curve"]) for title, summary in made.items()}
        save_figure(plot_speedup_accuracy(curves), RESULTS / CURVES)
        histories = {title: summary["history"] for title, summary in made.items()}
        save_figure(plot_convergence(histories), RESULTS / CONVERGENCE)
