"""Results as aligned text tables, which are Markdown too."""

from __future__ import annotations

from collections.abc import Sequence

from fastbert_tf.evaluation.latency import Latency
from fastbert_tf.evaluation.operating_point import OperatingPoint
from fastbert_tf.evaluation.speed_curve import SpeedCurve

COST_COLUMNS = ("paper FLOPs", "paper speedup", "executed FLOPs", "executed speedup")


def speed_table(curve: SpeedCurve) -> str:
    """Returns quality and cost at full depth and at every speed; FLOPs are means a row, M = million."""
    header = ("speed", *quality_header(curve), "mean layer", *COST_COLUMNS)
    named = {"full depth": curve.full_depth, **{f"{point.speed:g}": point for point in curve.points}}
    rows = [
        (name, *quality(curve, point), f"{point.mean_exit_layer:.2f}", *_cost(point)) for name, point in named.items()
    ]
    return aligned_table(header, rows)


def depth_table(curve: SpeedCurve) -> str:
    """Returns quality and cost where every row leaves at the same layer: no adaptive inference."""
    header = ("layer", *quality_header(curve), *COST_COLUMNS)
    rows = [
        (str(layer), *quality(curve, point), *_cost(point)) for layer, point in enumerate(curve.fixed_depths, start=1)
    ]
    return aligned_table(header, rows)


def latency_table(latencies: Sequence[Latency]) -> str:
    """Returns wall-clock times of the adaptive graph beside the full-depth graph."""
    header = ("batch", "speed", "mean layer", "full depth ms/row", "adaptive ms/row", "measured speedup")
    rows = [
        (
            str(latency.batch_size),
            f"{latency.speed:g}",
            f"{latency.mean_exit_layer:.2f}",
            f"{latency.full_depth_ms:.2f}",
            f"{latency.adaptive_ms:.2f}",
            f"{latency.speedup:.2f}x",
        )
        for latency in latencies
    ]
    return aligned_table(header, rows)


def quality_header(curve: SpeedCurve) -> list[str]:
    """Returns the metrics' columns, each with its interval's where the curve has intervals."""
    return [column for metric in curve.metric_names for column in ((metric, "95 %") if curve.draws else (metric,))]


def quality(curve: SpeedCurve, point: OperatingPoint) -> list[str]:
    """Returns the cells of `quality_header`."""
    cells = []
    for metric in curve.metric_names:
        cells.append(f"{point.metrics[metric]:.4f}")
        if curve.draws:
            cells.append(interval_text(point, metric))
    return cells


def interval_text(point: OperatingPoint, metric: str) -> str:
    """Returns a metric's interval, `0.881 - 0.914`; empty where it has none."""
    if not point.intervals:
        return ""
    low, high = point.intervals[metric]
    return f"{low:.3f} - {high:.3f}"


def _cost(point: OperatingPoint) -> list[str]:
    return [
        in_millions(point.paper_flops),
        f"{point.paper_speedup:.2f}x",
        in_millions(point.executed_flops),
        f"{point.executed_speedup:.2f}x",
    ]


def in_millions(flops: float) -> str:
    """Returns a count as millions: `12.3M`, `1.234M`."""
    return f"{flops / 1e6:.1f}M" if flops >= 1e7 else f"{flops / 1e6:.3f}M"


def aligned_table(header: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[int] = ()) -> str:
    """Returns a Markdown table whose columns are padded to their widest cell.

    Args:
        header: a name a column.
        rows: cells, as many a row.
        left: columns that are aligned to the left; the others to the right.
    """
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    rule = [
        f":{'-' * (width - 1)}" if column in left else f"{'-' * (width - 1)}:"  # the colon aligns in Markdown
        for column, width in enumerate(widths)
    ]
    lines = [
        "| "
        + " | ".join(
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        + " |"
        for line in (header, rule, *rows)
    ]
    return "\n".join(lines)
