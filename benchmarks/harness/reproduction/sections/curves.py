"""Accuracy, cost and time at every speed (table 2, figures 3 to 6), and over epochs (figure 7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastbert_tf.evaluation import SpeedCurve
from fastbert_tf.evaluation.table import quality, quality_header
from harness.performance.markdown import table
from harness.reproduction import published
from harness.reproduction.figures import CONVERGENCE, CURVES, task_figures
from harness.reproduction.times import FULL_DEPTH, ROUNDS, ROWS


def curves(summaries: Sequence[dict[str, Any]]) -> str | None:
    """A picture, and a table a task."""
    made = [summary for summary in summaries if "curve" in summary]
    if not made:
        return None
    intro = (
        f"## Accuracy and speedup\n\n![Accuracy over speedup](results/reproduction/{CURVES})\n\nFull depth is the "
        "plain encoder on the real tokens alone, to which all speedups refer. Milliseconds are a row's, of our packed "
        f"graph, medians of {ROUNDS} rounds over {ROWS} rows that select the epoch, tokenisation left out."
    )
    return "\n\n".join([intro, *map(_task, made)])


def convergence(summaries: Sequence[dict[str, Any]]) -> str | None:
    """The figure."""
    if not any("curve" in summary for summary in summaries):
        return None
    return (
        f"## Convergence (figure 7)\n\n![Accuracy and FLOPs over epochs](results/reproduction/{CONVERGENCE})\n\nAfter "
        "each epoch, on rows that select the epoch, at speed 0.5; the line parts fine-tuning from self-distillation."
    )


def _task(summary: dict[str, Any]) -> str:
    curve, times = SpeedCurve.from_dict(summary["curve"]), summary.get("times", {})
    named = [(FULL_DEPTH, curve.full_depth), *((f"{point.speed:g}", point) for point in curve.points)]
    rows = [
        [name, *quality(curve, point), f"{point.mean_exit_layer:.2f}", f"{point.paper_speedup:.2f}x",
         f"{point.executed_speedup:.2f}x", *milliseconds(times, name)]
        for name, point in named
    ]  # fmt: skip
    heads = ["speed", *quality_header(curve), "mean layer", "paper speedup", "executed speedup", *MILLISECONDS]
    parts = [
        f"### {summary['title']}",
        f"{summary['rows']:,} rows; {summary['calibration_rows']:,} training rows held out. {_made_on(summary)}",
        table(heads, rows),
    ]
    known = published.TABLE_2.get(summary["task"], {})
    if known:
        parts.append(
            "Published: " + ", ".join(f"{name} {one.accuracy} ({one.speedup}x)" for name, one in known.items()) + "."
        )
    pictures = [f"[{shows}](results/reproduction/{file})" for shows, file in task_figures(summary["task"]).items()]
    return "\n\n".join([*parts, f"Drawn: {', '.join(pictures)}."])


def _made_on(summary: dict[str, Any]) -> str:
    minutes = ", ".join(f"`{kind}` {taken:g}" for kind, taken in summary["minutes"].items())
    timed = f" Timed on {summary['times']['machine']}." if "times" in summary else ""
    return f"Minutes of training: {minutes}.{timed}"


MILLISECONDS = ("ms, batch 1", "ms, batch 32")


def milliseconds(times: dict[str, Any], name: str) -> list[str]:
    """The cells of `MILLISECONDS`; empty where nothing was timed."""
    return [f"{times[batch][name]:.2f}" if batch in times else "" for batch in ("batch 1", "batch 32")]
