"""Figure 7 of the paper: accuracy and FLOPs over the epochs of fine-tuning and self-distillation."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from fastbert_tf.evaluation.convergence_plot import mark_phases, plot_convergence
from fastbert_tf.evaluation.plots import COLORS, styled
from fastbert_tf.report.document import Block, Missing, Section
from fastbert_tf.report.drawing import picture
from fastbert_tf.report.run import Run


def convergence(run: Run) -> Section:
    """Draws what training has stored of its epochs."""
    title = "Figure 7: convergence"
    epochs = [entry for entry in run.history or [] if "val_loss" in entry and "phase" in entry]
    if not epochs:
        return Section.of(
            title, Missing("The epochs of the training are not stored here; `fastbert train` writes history.json.")
        )
    words = (
        "Accuracy (where the phase has one) and loss on the rows that selected the epoch. Losses of two phases "
        "are of different kinds."
    )
    return Section.of(title, _observed(run, epochs), picture(f"{run.name}-losses", _losses(epochs), words))


def _observed(run: Run, epochs: list[dict[str, Any]]) -> Block:
    if not all("observed" in epoch for epoch in epochs):
        return Missing(
            "Accuracy and FLOPs of adaptive inference were not measured after each epoch; `fastbert train "
            "--observe_speed 0.5` measures them."
        )
    words = (
        f"Figure 7: accuracy and FLOPs of adaptive inference after each epoch, on {epochs[0]['observed']['rows']:,} "
        "of the rows that selected the epoch."
    )
    return picture(f"{run.name}-convergence", plot_convergence({run.name: epochs}), words)


@styled
def _losses(epochs: list[dict[str, Any]]) -> Figure:
    figure = Figure(figsize=(6.2, 3.8), layout="constrained")
    axes = figure.subplots()
    losses = axes.twinx()
    losses.spines["right"].set_visible(True)
    numbered = list(enumerate(epochs, 1))
    known = [(place, epoch["val_accuracy"]) for place, epoch in numbered if epoch.get("val_accuracy") is not None]
    lines = []
    if known:
        lines += axes.plot(*zip(*known, strict=True), color=COLORS[0], marker="o", label="accuracy")
    phases = list(dict.fromkeys(epoch["phase"] for epoch in epochs))
    for phase, color in zip(phases, COLORS[1:], strict=False):
        there = [(place, epoch["val_loss"]) for place, epoch in numbered if epoch["phase"] == phase]
        label = f"loss, {phase.replace('_', ' ')}"
        lines += losses.plot(*zip(*there, strict=True), color=color, marker="s", linestyle="--", label=label)
    mark_phases(axes, epochs)
    axes.set_ylabel("Accuracy")
    losses.set_ylabel("Loss")
    axes.grid(True)
    axes.legend(handles=lines)
    return figure
