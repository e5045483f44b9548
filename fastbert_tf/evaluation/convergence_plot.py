"""Figure 7 of the FastBERT paper: accuracy and FLOPs over the epochs of fine-tuning and self-distillation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fastbert_tf.evaluation.plots import COLORS, GREY, styled

MOST_COLUMNS = 4
Epochs = Sequence[Mapping[str, Any]]
"""A training's epochs, each with `phase` and `observed`, as `train_classifier(observe_speed=...)` stores them."""


@styled
def plot_convergence(histories: Mapping[str, Epochs]) -> Figure:
    """Draws accuracy and paper FLOPs of adaptive inference after each epoch, a panel a run.

    Args:
        histories: epochs by the name of the run, at least one run.
    """
    columns = min(len(histories), MOST_COLUMNS)
    rows = -(-len(histories) // columns)
    figure = Figure(figsize=(3.2 * columns + 0.6, 2.6 * rows + 0.4), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel, (name, epochs) in zip(panels, histories.items(), strict=False):
        _panel(panel, name, epochs)
    for panel in panels[len(histories) :]:
        panel.set_visible(False)
    return figure


def mark_phases(axes: Axes, epochs: Epochs) -> None:
    """Draws a line between two epochs of different phases."""
    for place in range(1, len(epochs)):
        if epochs[place]["phase"] != epochs[place - 1]["phase"]:
            axes.axvline(place + 0.5, color=GREY, linewidth=1)
    axes.set_xticks(range(1, len(epochs) + 1))
    axes.set_xlabel("Epoch")


def _panel(axes: Axes, name: str, epochs: Epochs) -> None:
    seen, places = [epoch["observed"] for epoch in epochs], range(1, len(epochs) + 1)
    axes.plot(places, [one["accuracy"] for one in seen], color=COLORS[0], marker="o")
    axes.set_ylabel("Accuracy", color=COLORS[0])
    mark_phases(axes, epochs)
    axes.set_title(f"{name}, speed {seen[0]['speed']:g}", fontsize=10)
    costs = axes.twinx()
    costs.spines["right"].set_visible(True)
    costs.plot(places, [one["paper_flops"] / 1e6 for one in seen], color=COLORS[1], marker="s", linestyle="--")
    costs.set_ylim(bottom=0)
    costs.set_ylabel("Paper FLOPs, million", color=COLORS[1])
