"""The figures of docs/reproduction.md."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fastbert_tf.evaluation import SpeedCurve, UncertaintyProfile
from fastbert_tf.evaluation.convergence_plot import plot_convergence
from fastbert_tf.evaluation.plots import (
    plot_accuracy_per_uncertainty,
    plot_exit_layers,
    plot_speedup_accuracy,
    plot_uncertainty,
    save_figure,
)
from harness.reproduction.stored import RESULTS

CONVERGENCE, CURVES = "convergence.svg", "speedup_accuracy.svg"


def task_figures(task: str) -> dict[str, str]:
    """Returns the files of figures 4 to 6, by what they show."""
    return {
        "accuracy over uncertainty (figure 4)": f"{task}_accuracy_per_uncertainty.svg",
        "exit layers (figure 5)": f"{task}_exit_layers.svg",
        "uncertainty over layers (figure 6)": f"{task}_uncertainty.svg",
    }


def draw(summaries: Sequence[dict[str, Any]], folder: Path = RESULTS) -> None:
    """Draws what there is."""
    made = [summary for summary in summaries if "curve" in summary]
    if not made:
        return
    curves = {summary["title"]: SpeedCurve.from_dict(summary["curve"]) for summary in made}
    save_figure(plot_speedup_accuracy(curves), folder / CURVES)
    save_figure(plot_convergence({summary["title"]: summary["history"] for summary in made}), folder / CONVERGENCE)
    for summary in made:
        curve, profile = curves[summary["title"]], UncertaintyProfile.from_dict(summary["uncertainty"])
        drawn = (plot_accuracy_per_uncertainty(profile), plot_exit_layers(curve), plot_uncertainty(profile))
        for figure, file in zip(drawn, task_figures(summary["task"]).values(), strict=True):
            save_figure(figure, folder / file)
