"""Figure 7 of the paper: accuracy over the epochs of fine-tuning and self-distillation."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from fastbert_tf.evaluation.plots import COLORS, GREY, styled
from fastbert_tf.report.document import Missing, Section
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
        "Figure 7: accuracy (where the phase has one) and loss on held-out training rows, epoch by epoch. Losses of "
        "two phases are of different kinds."
    )
    missing = (
        "FLOPs over epochs are left out: a training keeps no classifier of its earlier epochs, so nothing stored says "
        "where rows would have left."
    )
    return Section.of(title, picture(f"{run.name}-convergence", _figure(epochs), words), Missing(missing))


@styled
def _figure(epochs: list[dict[str, Any]]) -> Figure:
    figure = Figure(figsize=(6.2, 3.8), layout="constrained")
    axes = figure.subplots()
    losses = axes.twinx()
    losses.spines["right"].set_visible(True)
    places = range(1, len(epochs) + 1)
    known = [(place, epoch["val_accuracy"]) for place, epoch in zip(places, epochs, strict=True)
             if epoch.get("val_accuracy") is not None]  # fmt: skip
    lines = []
    if known:
        lines += axes.plot(*zip(*known, strict=True), color=COLORS[0], marker="o", label="accuracy")
    phases = list(dict.fromkeys(epoch["phase"] for epoch in epochs))
    for phase, color in zip(phases, COLORS[1:], strict=False):
        there = [(place, epoch["val_loss"]) for place, epoch in zip(places, epochs, strict=True)
                 if epoch["phase"] == phase]  # fmt: skip
        label = f"loss, {phase.replace('_', ' ')}"
        lines += losses.plot(*zip(*there, strict=True), color=color, marker="s", linestyle="--", label=label)
    for place in places[1:]:
        if epochs[place - 1]["phase"] != epochs[place - 2]["phase"]:
            axes.axvline(place - 0.5, color=GREY, linewidth=1)
    axes.set_xticks(list(places))
    axes.set_xlabel("Epoch")
    axes.set_ylabel("Accuracy")
    losses.set_ylabel("Loss")
    axes.grid(True)
    axes.legend(handles=lines)
    return figure
