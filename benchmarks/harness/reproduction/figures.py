"""The figures of docs/reproduction.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fastbert_tf.evaluation import SpeedCurve
from fastbert_tf.evaluation.plots import plot_speedup_accuracy, save_figure
from harness.reproduction.stored import RESULTS

CONVERGENCE, CURVES = "convergence.svg", "speedup_accuracy.svg"
_ACCURACY, _FLOPS = "tab:blue", "tab:orange"


def draw(summaries: Sequence[dict[str, Any]]) -> None:
    """Draws what there is."""
    made = [summary for summary in summaries if "curve" in summary]
    if made:
        curves = {summary["title"]: SpeedCurve.from_dict(summary["curve"]) for summary in made}
        save_figure(plot_speedup_accuracy(curves), RESULTS / CURVES)
        save_figure(convergence(made), RESULTS / CONVERGENCE)


def convergence(summaries: Sequence[dict[str, Any]]) -> Figure:
    """Accuracy and FLOPs after each epoch, a panel a task (figure 7)."""
    columns = min(len(summaries), 4)
    rows = -(-len(summaries) // columns)
    figure = Figure(figsize=(3.2 * columns, 2.6 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel, summary in zip(panels, summaries, strict=False):
        _panel(panel, summary)
    for panel in panels[len(summaries) :]:
        panel.set_visible(False)
    return figure


def _panel(panel: Axes, summary: dict[str, Any]) -> None:
    history = summary["history"]
    seen = [epoch["observed"] for epoch in history]
    epochs = range(1, len(seen) + 1)
    panel.plot(epochs, [100 * one["accuracy"] for one in seen], "o-", color=_ACCURACY)
    panel.set_title(summary["title"], fontsize=9)
    panel.set_xlabel("epoch")
    panel.set_ylabel("accuracy, %", color=_ACCURACY)
    costs = panel.twinx()
    costs.plot(epochs, [one["paper_flops"] / 1e6 for one in seen], "s--", color=_FLOPS)
    costs.set_ylim(bottom=0)
    costs.set_ylabel("FLOPs (paper), M", color=_FLOPS)
    tuned = sum(epoch["phase"] == "fine_tuning" for epoch in history)
    panel.axvline(tuned + 0.5, color="grey", linewidth=0.8)
