"""Held-out loss over student tokens, from the stored results."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from fastbert_tf.evaluation.plots import COLORS, MARKERS, save_figure, styled
from harness.variants.settings import TITLES
from harness.variants.stored import FIGURE, stored


def draw() -> None:
    """Writes the figure, if a variant has been pretrained."""
    results = stored()
    if results and results["pretraining"]:
        save_figure(held_out_losses(results["pretraining"]), FIGURE)


@styled
def held_out_losses(runs: list[dict[str, Any]]) -> Figure:
    """One line a run: one colour a variant, another line style a seed."""
    figure = Figure(figsize=(5.6, 3.8), layout="constrained")
    axes = figure.subplots()
    variants = list(dict.fromkeys(run["variant"] for run in runs))
    seeds = sorted({run["seed"] for run in runs})
    for run in runs:
        number, seed = variants.index(run["variant"]), seeds.index(run["seed"])
        losses = [entry.get("val_student_loss", entry["val_loss"]) for entry in run["history"]]
        tokens = [run["student_tokens"] * entry["epoch"] / len(losses) / 1e6 for entry in run["history"]]
        axes.plot(
            tokens,
            losses,
            color=COLORS[number % len(COLORS)],
            marker=MARKERS[number % len(MARKERS)],
            linestyle=("-", "--", ":", "-.")[seed % 4],
            label=f"{TITLES[run['variant']]}, seed {run['seed']}",
        )
    axes.set_xlabel("student tokens (million)")
    axes.set_ylabel("held-out loss (nats a masked piece)")
    axes.grid(True)
    axes.legend()
    return figure
