"""What every speed of one run costs, by FLOPs and by the clock, and what it changes."""

from __future__ import annotations

from fastbert_tf.evaluation import OperatingPoint, metric_intervals
from fastbert_tf.evaluation.table import in_millions
from fastbert_tf.report.commands import evaluate_command
from fastbert_tf.report.document import Missing, Paragraph, Section, Table
from fastbert_tf.report.early_answers import early_answers
from fastbert_tf.report.numbers import INTERVAL, points, points_interval, times, value_cells
from fastbert_tf.report.run import Run


def cost(run: Run) -> Section:
    """Shows the whole curve beside measured times."""
    sizes = sorted({latency.batch_size for latency in run.report.latency})
    quality = () if run.metric is None else (run.metric, INTERVAL, "change, points", INTERVAL)
    header = ("speed", *quality, "mean layer", "executed FLOPs", "speedup", *(f"batch {size}, ms" for size in sizes))
    named = [("plain encoder", run.curve.full_depth), *((f"{p.speed:g}", p) for p in run.curve.points)]
    rows = [
        (name, *_quality(run, point), f"{point.mean_exit_layer:.2f}", in_millions(point.executed_flops),
         times(point.executed_speedup), *(_clock(run, point, size) for size in sizes))
        for name, point in named
    ]  # fmt: skip
    table = Table(f"{run.curve.rows:,} rows; milliseconds a row, with the measured speedup", header, tuple(rows))
    return Section.of("Cost at every speed", table, _note(run))


def _note(run: Run) -> list[Paragraph | Missing]:
    notes: list[Paragraph | Missing] = []
    if run.curve.draws:
        words = (
            f"Intervals: {run.curve.draws:,} bootstrap draws of the rows. Change: against the plain encoder, row "
            "paired with row, so its interval is narrower than two separate ones; where it holds 0, these rows do not "
            "show a change. Where all answers are the plain encoder's there is nothing to draw."
        )
        notes.append(Paragraph(words))
    if run.report.latency:
        taken = run.report.latency[0]
        words = (
            f"Times: {taken.rows} rows, medians of {taken.repeats} repeats, on {taken.machine}; tokenisation left out."
        )
        notes.append(Paragraph(words))
    else:
        notes.append(
            Missing("No times were measured. An evaluation measures them.", evaluate_command(run, "--latency_rows 256"))
        )
    return notes


def _quality(run: Run, point: OperatingPoint) -> tuple[str, ...]:
    if run.metric is None:
        return ()
    if point.speed is None:  # the reference
        return (*value_cells(point, run.metric), "", "")
    change = point.metrics[run.metric] - run.curve.full_depth.metrics[run.metric]
    return (*value_cells(point, run.metric), points(change), _change_interval(run, run.metric, point.speed))


def _change_interval(run: Run, metric: str, speed: float) -> str:
    """Pairs each row's early answer with the teacher's."""
    early = early_answers(run, speed)
    if early is None or early.outputs.labels is None or not run.curve.draws:
        return ""
    if (early.answers == early.teacher).all():
        return ""
    found = metric_intervals((metric,), early.outputs.labels, early.answers, early.teacher, run.curve.draws)
    return points_interval(found[metric])


def _clock(run: Run, point: OperatingPoint, size: int) -> str:
    measured = [latency for latency in run.report.latency if latency.batch_size == size]
    if point is run.curve.full_depth:
        return f"{measured[0].full_depth_ms:.2f} (1.00x)"
    here = [latency for latency in measured if latency.speed == point.speed]
    return f"{here[0].adaptive_ms:.2f} ({times(here[0].speedup)})" if here else ""
