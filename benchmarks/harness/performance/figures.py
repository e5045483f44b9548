"""The figures of docs/performance.md, from the stored results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from fastbert_tf.evaluation.plots import COLORS, GREY, MARKERS, save_figure
from harness.performance.markdown import unique
from harness.performance.page import RESULTS, stored


def draw() -> None:
    """Writes one figure a part that was run; the others have tables alone."""
    dense, real, adaptive = (stored(part) for part in ("dense", "real", "adaptive"))
    if dense:
        save_figure(bars(dense["rows"], "BERT-base's shape, 128 tokens"), RESULTS / "dense.svg")
    if real:
        for task in real["tasks"]:
            rows = [row for row in real["rows"] if row["task"] == task and row["from"] == "tokens"]
            save_figure(bars(rows, f"{task}, full depth"), RESULTS / f"real_{task}.svg")
    if adaptive:
        save_figure(speedups(adaptive["speeds"]), RESULTS / "adaptive.svg")


def bars(rows: Sequence[dict[str, Any]], title: str) -> Figure:
    """Milliseconds a row by engine, one bar a batch size."""
    engines, sizes = unique(row["engine"] for row in rows), unique(row["batch_size"] for row in rows)
    cells = {(row["engine"], row["batch_size"]): row["ms_per_row"] for row in rows}
    figure = Figure(figsize=(7, 0.3 * len(engines) * len(sizes) / 2 + 1.2), layout="constrained")
    axes = figure.subplots()
    height = 0.8 / len(sizes)
    for number, size in enumerate(sizes):
        places = [place + number * height for place in range(len(engines))]
        values = [cells[engine, size] for engine in engines]
        axes.barh(places, values, height, color=COLORS[number], label=f"batch {size}")
    axes.set_yticks([place + 0.4 - height / 2 for place in range(len(engines))], engines)
    axes.invert_yaxis()
    axes.set_xlabel("milliseconds a row")
    axes.set_title(title)
    axes.legend()
    return figure


def speedups(rows: Sequence[dict[str, Any]]) -> Figure:
    """Speedup in time over speedup in executed FLOPs; on the diagonal all saved work is saved time."""
    figure = Figure(figsize=(6, 4.5), layout="constrained")
    axes = figure.subplots()
    for number, (stack, size) in enumerate(unique((row["stack"], row["batch_size"]) for row in rows)):
        chosen = [row for row in rows if (row["stack"], row["batch_size"]) == (stack, size)]
        places = [row["executed_speedup"] for row in chosen]
        color, marker = COLORS[number % len(COLORS)], MARKERS[number % len(MARKERS)]
        heights = [row["speedup"] for row in chosen]
        axes.plot(places, heights, label=f"{stack}, batch {size}", color=color, marker=marker)
    limit = max((row["executed_speedup"] for row in rows), default=1.0)
    axes.plot([0, limit], [0, limit], color=GREY, linestyle="--", label="all saved work is saved time")
    axes.set_xlabel("speedup in executed FLOPs")
    axes.set_ylabel("speedup in time")
    axes.legend()
    return figure
