"""Shapes of branches beside each other: the section of docs/results.md, from the stored evaluations."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fastbert_tf.evaluation import SpeedCurve, executed_breakdown, read_report
from harness.performance.markdown import table

RESULTS = Path(__file__).resolve().parents[2] / "docs" / "results" / "branch_shapes"
SHARES = (1 / 2, 1 / 3, 1 / 4)
"""Costs at which shapes are compared, of the encoder without any branch."""

INTRO = """## Which branches pay on the built-in student

`python benchmarks/branch_shapes.py` trains the built-in student on SST-2 with branches of several shapes (width x
heads), all else alike, and writes this section. Seed {seed}, {rows:,} training rows, {selection:,} more that select the
best epoch; {judged:,} others that were held out of all that judge. A branch costs its share of a layer's executed FLOPs
at every layer that a row goes through. Accuracies are read off each curve where it costs a half, a third and a quarter
of the encoder without branches, so that a shape pays for itself. Differences of a few tenths of a point are noise. The
default of `fastbert train` is a third of the encoder's width, at most the paper's 128."""


@dataclass(frozen=True)
class Comparison:
    """Shapes that were trained alike."""

    settings: dict[str, Any]
    """What the runs share of their `settings.json`."""
    curves: Sequence[SpeedCurve]
    """One a shape, narrowest branch first."""


def stored(folder: Path = RESULTS) -> Comparison | None:
    """Reads what was stored; None where nothing was.

    Raises:
        ValueError: the shapes were not trained and judged alike.
    """
    runs = [file.parent for file in folder.glob("*/evaluation.json")]
    if not runs:
        return None
    curves = [read_report(run).curve for run in runs]
    first, *others = ({**_settings(run), "judged": curve.rows} for run, curve in zip(runs, curves, strict=True))
    if any(other != first for other in others):
        raise ValueError(f"the runs in {folder} differ in more than their branches; make all of them anew")
    return Comparison(first, sorted(curves, key=lambda curve: (curve.config.branch_dim, curve.config.branch_heads)))


def _settings(run: Path) -> dict[str, Any]:
    settings = json.loads((run / "settings.json").read_text(encoding="utf-8"))
    del settings["branches"]
    return settings


def layer_and_branch(curve: SpeedCurve) -> tuple[int, int]:
    """Returns the executed FLOPs of one layer, and of one branch, at the mean length."""
    parts = executed_breakdown(curve.config, round(curve.mean_length))
    branch = int(parts.pop("branch"))
    return int(sum(parts.values())), branch


def accuracies(curve: SpeedCurve, costs: Sequence[float]) -> np.ndarray:
    """Reads accuracies off the curve at costs in executed FLOPs, between its points; NaN below the cheapest one."""
    points = sorted(curve.points, key=lambda point: point.executed_flops)
    spent, right = ([one.executed_flops for one in points], [one.metrics["accuracy"] for one in points])
    return np.interp(costs, spent, right, left=np.nan)


def section(comparison: Comparison) -> str:
    """Returns the section's text."""
    settings, curves = comparison.settings, comparison.curves
    shares = [layer_and_branch(curve) for curve in curves]
    encoder = min(curve.full_depth.executed_flops - branch for curve, (_, branch) in zip(curves, shares, strict=True))
    body = []
    for curve, (layer, branch) in zip(curves, shares, strict=True):
        found = accuracies(curve, [share * encoder for share in SHARES])
        shown = [curve.full_depth.metrics["accuracy"], *found, found.mean()]
        name = f"{curve.config.branch_dim} x {curve.config.branch_heads}"
        body.append([name, f"{branch / layer:.1%}", *(f"{value:.4f}" for value in shown)])
    heads = ["branch", "of a layer's FLOPs", "full depth", "at 1/2", "at 1/3", "at 1/4", "mean of the three"]
    intro = INTRO.format(
        rows=settings["training_rows"]["count"],
        selection=settings["selection_rows"]["count"],
        seed=settings["training"]["seed"],
        judged=settings["judged"],
    )
    return f"{intro}\n\n{table(heads, body)}"
