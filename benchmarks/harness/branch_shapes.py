"""Shapes of branches beside each other: the section of docs/results.md, from the stored evaluations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fastbert_tf.evaluation import Report, SpeedCurve, executed_breakdown, read_report
from harness.performance.markdown import table

RESULTS = Path(__file__).resolve().parents[2] / "docs" / "results" / "branch_shapes"
SHARES = (1 / 2, 1 / 3, 1 / 4)
"""Costs at which shapes are compared, of the encoder without any branch."""

INTRO = """## Which branches pay on the built-in student

`python benchmarks/branch_shapes.py` trains the built-in student on SST-2 with branches of several shapes (width x
heads), all else alike, on 20,000 rows unless `--rows` says otherwise, and writes this section. {rows:,} training rows
that were held out of training judge. A branch costs its share of a layer's executed FLOPs at every layer that a row
goes through. Accuracies are read off each curve where it costs a half, a third and a quarter of the encoder without
branches, so that a shape pays for itself. One seed a shape: differences of a few tenths of a point are noise. The
default of `fastbert train` is a third of the encoder's width, at most the paper's 128."""


def stored() -> list[Report]:
    """Reads the evaluations, narrowest branch first."""
    reports = [read_report(file.parent) for file in RESULTS.glob("*/evaluation.json")]
    return sorted(reports, key=lambda report: (report.curve.config.branch_dim, report.curve.config.branch_heads))


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


def section(reports: Sequence[Report]) -> str:
    """Returns the section's text."""
    curves = [report.curve for report in reports]
    shares = [layer_and_branch(curve) for curve in curves]
    encoder = min(curve.full_depth.executed_flops - branch for curve, (_, branch) in zip(curves, shares, strict=True))
    body = []
    for curve, (layer, branch) in zip(curves, shares, strict=True):
        found = accuracies(curve, [share * encoder for share in SHARES])
        shown = [curve.full_depth.metrics["accuracy"], *found, found.mean()]
        name = f"{curve.config.branch_dim} x {curve.config.branch_heads}"
        body.append([name, f"{branch / layer:.1%}", *(f"{value:.4f}" for value in shown)])
    heads = ["branch", "of a layer's FLOPs", "full depth", "at 1/2", "at 1/3", "at 1/4", "mean of the three"]
    return f"{INTRO.format(rows=curves[0].rows)}\n\n{table(heads, body)}"
