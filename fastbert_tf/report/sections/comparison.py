"""Table 2 of the paper: the plain encoder and FastBERT at a few speeds, on every task."""

from __future__ import annotations

from collections.abc import Sequence

from fastbert_tf.evaluation import OperatingPoint
from fastbert_tf.evaluation.table import in_millions
from fastbert_tf.report.commands import evaluate_command
from fastbert_tf.report.document import Missing, Paragraph, Section, Table
from fastbert_tf.report.numbers import INTERVAL, times, value_cells
from fastbert_tf.report.run import Run

TABLE_SPEEDS = (0.1, 0.5, 0.8)
"""Of the paper's table 2."""


def comparison(runs: Sequence[Run]) -> Section:
    """Shows quality and cost of every run at the paper's speeds."""
    rows = [row for run in runs for row in _rows(run)]
    return Section.of(
        "Table 2: accuracy and FLOPs",
        Table(
            "Quality of the headline metric, and cost with its speedup over the plain encoder",
            ("run", "model", "metric", "value", INTERVAL, "paper FLOPs", "executed FLOPs"),
            tuple(rows),
            words=(0, 1, 2),
        ),
        Paragraph("The paper's DistilBERT is a smaller model of its own: name its run beside these to see its row."),
        [_missing_speeds(run, missing) for run in runs if (missing := _speeds_missing(run))],
        [_without_intervals(run) for run in runs if run.metric and not run.curve.draws],
    )


def _speeds_missing(run: Run) -> list[float]:
    evaluated = {point.speed for point in run.curve.points}
    return [speed for speed in TABLE_SPEEDS if speed not in evaluated]


def _missing_speeds(run: Run, speeds: Sequence[float]) -> Missing:
    return Missing(f"{run.name}: not evaluated at {', '.join(f'{speed:g}' for speed in speeds)}.")


def _without_intervals(run: Run) -> Missing:
    words = f"{run.name}: no intervals, since the answers of its branches are not stored. An evaluation stores them."
    return Missing(words, evaluate_command(run))


def _rows(run: Run) -> list[tuple[str, ...]]:
    named: list[tuple[str, OperatingPoint]] = [("plain encoder", run.curve.full_depth)]
    named += [(f"FastBERT, speed {p.speed:g}", p) for p in run.curve.points if p.speed in TABLE_SPEEDS]
    return [(run.name, name, run.metric or "", *_quality(run, point), *_cost(point)) for name, point in named]


def _quality(run: Run, point: OperatingPoint) -> tuple[str, str]:
    return ("", "") if run.metric is None else value_cells(point, run.metric)


def _cost(point: OperatingPoint) -> tuple[str, str]:
    return (
        f"{in_millions(point.paper_flops)} ({times(point.paper_speedup)})",
        f"{in_millions(point.executed_flops)} ({times(point.executed_speedup)})",
    )
