"""Figure 3 of the paper: speed, speedup and quality against one another, all runs in one picture."""

from __future__ import annotations

from collections.abc import Sequence

from fastbert_tf.evaluation import plots
from fastbert_tf.report.document import Block, Missing, Section
from fastbert_tf.report.drawing import picture
from fastbert_tf.report.numbers import INTERVAL
from fastbert_tf.report.run import Run


def trade_offs(runs: Sequence[Run]) -> Section:
    """Draws the three trade-offs; those with quality once for each headline metric."""
    blocks: list[Block] = []
    by_metric: dict[str, list[Run]] = {}
    for run in runs:
        if run.metric is not None:
            by_metric.setdefault(run.metric, []).append(run)
    for metric, some in by_metric.items():
        blocks += _quality(metric, some)
    if not by_metric:
        blocks.append(Missing("The rows of no run are labelled: costs alone are drawn."))
    curves = {run.name: run.curve for run in runs}
    latency = runs[0].report.latency if len(runs) == 1 else ()
    more = ", and by the clock" if latency else ""
    words = f"Figure 3 b, e: speedup over speed, by paper FLOPs and by executed FLOPs{more}."
    blocks.append(picture("speed_speedup", plots.plot_speed_speedup(curves, latency), words))
    return Section.of("Figure 3: trade-offs", blocks)


def _quality(metric: str, runs: Sequence[Run]) -> list[Block]:
    curves = {run.name: run.curve for run in runs}
    drawn = f" Bands: {INTERVAL} bootstrap intervals." if any(run.curve.draws for run in runs) else ""
    return [
        picture(
            f"speed_{metric}",
            plots.plot_speed_accuracy(curves, metric),
            f"Figure 3 a, d: {metric} over speed; dashed: the plain encoder.{drawn}",
        ),
        picture(
            f"speedup_{metric}",
            plots.plot_speedup_accuracy(curves, metric),
            f"Figure 3 c, f: {metric} over speedup; dotted: every row leaves at the same layer.{drawn}",
        ),
    ]
