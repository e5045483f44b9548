"""Every exit policy on the same rows."""

from __future__ import annotations

from itertools import cycle

from matplotlib.figure import Figure

from fastbert_tf.evaluation import DRAWS, OperatingPoint, SpeedCurve, compare_policies
from fastbert_tf.evaluation.plots import COLORS, MARKERS, styled
from fastbert_tf.evaluation.table import interval_text
from fastbert_tf.report.commands import evaluate_command
from fastbert_tf.report.document import Missing, Paragraph, Section, Table
from fastbert_tf.report.drawing import picture
from fastbert_tf.report.numbers import INTERVAL, times
from fastbert_tf.report.run import Run

_SURE = "normalized_entropy"  # the one whose intervals are drawn; seven bands cannot be told apart


def policies(run: Run) -> Section:
    """Replays all policies with their defaults, at the same speeds."""
    title = "Exit policies compared"
    if run.outputs is None or run.outputs.labels is None:
        missing = Missing("Policies are compared on stored answers to labelled rows. An evaluation stores them.",
                          evaluate_command(run))  # fmt: skip
        return Section.of(title, missing)
    if len(run.curve.fixed_depths) < 2 or len(run.outputs) < 2:
        return Section.of(title, Missing("Policies differ only where there are two layers and two rows at least."))
    curves = compare_policies(run.outputs, run.curve.config, draws=DRAWS)
    rows = next(iter(curves.values())).rows
    words = (
        f"Every policy with its defaults, on one half of the rows ({rows:,}); the learned exit was fitted to the "
        f"other. A cell is the executed speedup and the accuracy with its {INTERVAL} interval. A speed means something "
        "else to each policy, so compare at equal speedup, in the figure. Nothing was tuned here, and no policy should "
        "be chosen on rows that are reported on: `fastbert calibrate` chooses on others."
    )
    speeds = tuple(f"{point.speed:g}" for point in next(iter(curves.values())).points)
    cells = tuple((name, *(_cell(point) for point in curve.points)) for name, curve in curves.items())
    caption = (
        f"Accuracy over executed speedup, one point a speed; band: {INTERVAL} bootstrap interval of {_SURE}, "
        f"{DRAWS:,} draws."
    )
    return Section.of(
        title,
        Paragraph(words),
        Table("Policies by speed", ("policy", *speeds), cells),
        picture(f"{run.name}-policies", _figure(curves), caption),
    )


def _cell(point: OperatingPoint) -> str:
    return f"{times(point.executed_speedup)} {point.metrics['accuracy']:.3f} ({interval_text(point, 'accuracy')})"


@styled
def _figure(curves: dict[str, SpeedCurve]) -> Figure:
    figure = Figure(figsize=(6.6, 4.2), layout="constrained")
    axes = figure.subplots()
    for (name, curve), color, marker in zip(curves.items(), cycle((*COLORS, "#000000")), cycle(MARKERS), strict=False):
        drawn = sorted(curve.points, key=lambda point: point.executed_speedup)
        places = [point.executed_speedup for point in drawn]
        accuracy = [point.metrics["accuracy"] for point in drawn]
        axes.plot(places, accuracy, color=color, marker=marker, markersize=4, linewidth=1.2, label=name)
        if name == _SURE:
            low, high = zip(*(point.intervals["accuracy"] for point in drawn if point.intervals), strict=True)
            axes.fill_between(places, low, high, color=color, alpha=0.12, linewidth=0)
    axes.set_xlabel("Speedup over the plain encoder (executed FLOPs)")
    axes.set_ylabel("Accuracy")
    axes.grid(True)
    axes.legend()
    return figure
