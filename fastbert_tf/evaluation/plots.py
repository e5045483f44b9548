"""Figures 3 to 6 of the FastBERT paper, from stored results alone."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter

from fastbert_tf.evaluation.latency import Latency
from fastbert_tf.evaluation.operating_point import OperatingPoint
from fastbert_tf.evaluation.speed_curve import SpeedCurve
from fastbert_tf.evaluation.uncertainty_profile import PAPER_SPEEDS, UncertaintyProfile

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # Okabe and Ito: safe for colour-blind eyes
MARKERS = ("o", "s", "^", "D", "v", "P")
GREY = "#5f6368"
STYLE: dict[Any, Any] = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.axisbelow": True,
    "grid.color": "#e3e5e8",
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
    "savefig.dpi": 160,
    "text.parse_math": False,  # a run may be called $a$
    "svg.hashsalt": "fastbert_tf",  # the same results give the same bytes
}
MIN_ROWS = 5  # fewer rows in an interval say nothing about its accuracy
WILSON_Z = 1.96  # 95 % confidence


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Lets a function draw its figure in `STYLE`, whatever the caller's settings are."""

    @functools.wraps(draw)
    def drawn(*args: Any, **kwargs: Any) -> Figure:
        with matplotlib.rc_context(STYLE):
            return draw(*args, **kwargs)

    return drawn


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Writes a figure; the suffix chooses PNG or SVG."""
    path = Path(path)
    metadata = {"Date": None} if path.suffix == ".svg" else None
    with matplotlib.rc_context(STYLE):
        figure.savefig(path, metadata=metadata)


@styled
def plot_speed_accuracy(curves: Mapping[str, SpeedCurve], metric: str = "accuracy") -> Figure:
    """Draws a metric over speed (figure 3 a, d); dashed lines are the teachers at full depth, bands intervals.

    Args:
        curves: labelled curves by name.
        metric: a metric that all curves hold.
    """
    figure, axes = _figure("Speed (exit threshold)", _title(metric))
    for (name, curve), color, marker in _series(curves):
        axes.plot(_values(curve, "speed"), _metric(curve.points, metric), color=color, marker=marker, label=name)
        _band(axes, _values(curve, "speed"), curve.points, metric, color)
        axes.axhline(curve.full_depth.metrics[metric], color=color, linestyle="--", linewidth=1)
    reference = Line2D([], [], color=GREY, linestyle="--", linewidth=1, label="full depth (teacher)")
    axes.legend(handles=[*axes.get_legend_handles_labels()[0], reference])
    return figure


@styled
def plot_speed_speedup(curves: Mapping[str, SpeedCurve], latencies: Sequence[Latency] = ()) -> Figure:
    """Draws speedup over speed (figure 3 b, e): by paper FLOPs, by executed FLOPs and, where given, by the clock.

    Args:
        curves: curves by name.
        latencies: measured times of the model, if there is a single curve.
    """
    figure, axes = _figure("Speed (exit threshold)", "Speedup over full depth")
    axes.axhline(1, color=GREY, linewidth=1)
    for (name, curve), color, marker in _series(curves):
        speeds, prefix = _values(curve, "speed"), f"{name}: " if len(curves) > 1 else ""
        label = f"{prefix}paper FLOPs ({curve.sequence_length} tokens)"
        axes.plot(speeds, _values(curve, "paper_speedup"), color=color, marker=marker, label=label)
        label = f"{prefix}executed FLOPs ({curve.mean_padded_length or curve.mean_length:.0f} tokens on average)"
        axes.plot(speeds, _values(curve, "executed_speedup"), color=color, marker=marker, linestyle="--",
                  markerfacecolor="white", label=label)  # fmt: skip
    sizes = sorted({latency.batch_size for latency in latencies})
    for size, color, marker in zip(sizes, cycle(COLORS[1:]), cycle(MARKERS[1:]), strict=False):
        measured = [latency for latency in latencies if latency.batch_size == size]
        axes.plot([latency.speed for latency in measured], [latency.speedup for latency in measured], color=color,
                  marker=marker, linestyle=":", label=f"measured time, batch {size}")  # fmt: skip
    axes.set_ylim(bottom=0)
    axes.legend()
    return figure


@styled
def plot_speedup_accuracy(curves: Mapping[str, SpeedCurve], metric: str = "accuracy") -> Figure:
    """Draws a metric over paper speedup (figure 3 c, f), with bands of intervals, fixed depths and the teacher.

    Args:
        curves: labelled curves by name.
        metric: a metric that all curves hold.
    """
    figure, axes = _figure("Speedup over full depth (paper FLOPs)", _title(metric))
    for (name, curve), color, marker in _series(curves):
        fixed = curve.fixed_depths
        axes.plot([point.paper_speedup for point in fixed], _metric(fixed, metric), color=color, linestyle=":",
                  marker=".", linewidth=1.2, alpha=0.8)  # fmt: skip
        axes.plot(_values(curve, "paper_speedup"), _metric(curve.points, metric), color=color, marker=marker,
                  label=name)  # fmt: skip
        _band(axes, _values(curve, "paper_speedup"), curve.points, metric, color)
        axes.plot(1, curve.full_depth.metrics[metric], color=color, marker="*", markersize=12, linestyle="none")
    references = [
        Line2D([], [], color=GREY, marker="*", markersize=10, linestyle="none", label="full depth (teacher)"),
        Line2D([], [], color=GREY, marker=".", linestyle=":", linewidth=1.2, label="fixed depth, one point a layer"),
    ]
    axes.legend(handles=[*axes.get_legend_handles_labels()[0], *references])
    return figure


@styled
def plot_exit_layers(curve: SpeedCurve, speeds: Sequence[float] = PAPER_SPEEDS[1:]) -> Figure:
    """Draws the share of rows that leave at each layer (figure 5).

    Args:
        curve: any curve.
        speeds: wanted speeds; the curve's nearest are drawn.
    """
    figure, axes = _figure("Exit layer", "Share of rows")
    measured = np.asarray(_values(curve, "speed"))
    points = [curve.points[index] for index in sorted({int(np.abs(measured - speed).argmin()) for speed in speeds})]
    layers = np.arange(1, len(curve.fixed_depths) + 1)
    width = 0.8 / len(points)
    for index, (point, color) in enumerate(zip(points, cycle(COLORS), strict=False)):
        share = np.asarray(point.exit_layers) / curve.rows  # (layers,)
        place = layers + (index - (len(points) - 1) / 2) * width
        label = f"speed {point.speed:g} (mean layer {point.mean_exit_layer:.2f})"
        axes.bar(place, share, width * 0.92, color=color, label=label)
    axes.grid(False, axis="x")
    axes.set_xticks(layers)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.legend()
    return figure


@styled
def plot_uncertainty(profile: UncertaintyProfile, thresholds: bool = True) -> Figure:
    """Draws how uncertainty spreads at every layer, over the rows that reach it, a panel a speed (figure 6).

    Layers that no row reaches are grey.

    Args:
        profile: of any policy.
        thresholds: whether to draw the speeds, dashed: only the normalised entropy is compared with them.
    """
    panels = len(profile.speeds)
    columns = min(panels, 2)
    rows = -(-panels // columns)
    figure = Figure(figsize=(3.7 * columns + 0.6, 3.0 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes in grid.flat[panels:]:
        axes.set_visible(False)
    shares = [_layer_shares(np.asarray(counts)) for counts in profile.reaching]
    norm = PowerNorm(0.5, vmin=0, vmax=max(np.nanmax(share) for share in shares))  # shows thin tails
    for axes, speed, share, counts in zip(grid.flat, profile.speeds, shares, profile.reaching, strict=False):
        image = _heat_map(axes, share, norm, speed if thresholds else 0.0)
        mean_layers = np.sum(counts) / np.sum(counts[0])  # every row reaches layer 1
        axes.set_title(f"speed {speed:g}: {mean_layers:.2f} layers on average", fontsize=10)
    for axes in grid[-1]:
        axes.set_xlabel("Layer")
    for axes in grid[:, 0]:
        axes.set_ylabel("Uncertainty")
    bar = figure.colorbar(image, ax=grid, label="Share of the rows that reach the layer", shrink=0.8)
    bar.ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    bar.outline.set_visible(False)
    return figure


@styled
def plot_accuracy_per_uncertainty(profile: UncertaintyProfile) -> Figure:
    """Draws accuracy in each tenth of uncertainty for the bottom, middle and top classifier (figure 4).

    Bars are 95 % Wilson intervals; tenths with fewer than 5 rows are left out.

    Raises:
        ValueError: the profile is of unlabelled rows.
    """
    if profile.correct is None:
        raise ValueError("accuracy per uncertainty needs labels, but the profile has none; evaluate labelled rows")
    figure, axes = _figure("Uncertainty", "Accuracy")
    layers = len(profile.all_rows)
    chosen = sorted({0, (layers - 1) // 2, layers - 1})
    for shift, layer, color, marker in zip((-0.012, 0, 0.012), chosen, COLORS, MARKERS, strict=False):
        rows, right = _tenths(profile.all_rows[layer]), _tenths(profile.correct[layer])
        shown = rows >= MIN_ROWS
        centre = (np.arange(10) + 0.5)[shown] / 10 + shift
        accuracy, below, above = _wilson(right[shown], rows[shown])
        name = "Teacher" if layer == layers - 1 else "Student"
        axes.errorbar(centre, accuracy, (below, above), color=color, marker=marker, elinewidth=0.9, capsize=2,
                      label=f"{name}, layer {layer + 1}")  # fmt: skip
    axes.set_xlim(0, 1)
    axes.set_xticks(np.arange(0, 1.01, 0.1))
    axes.legend()
    return figure


def _figure(x_label: str, y_label: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(5.6, 3.8), layout="constrained")
    axes = figure.subplots()
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.grid(True)
    return figure, axes


def _series(curves: Mapping[str, SpeedCurve]) -> Any:
    return zip(curves.items(), cycle(COLORS), cycle(MARKERS), strict=False)


def _values(curve: SpeedCurve, field: str) -> list[float]:
    return [getattr(point, field) for point in curve.points]


def _metric(points: Sequence[OperatingPoint], metric: str) -> list[float]:
    return [point.metrics[metric] for point in points]


def _band(axes: Axes, places: Sequence[float], points: Sequence[OperatingPoint], metric: str, color: str) -> None:
    """Shades the bootstrap intervals, where there are any."""
    drawn = [(place, point.intervals[metric]) for place, point in zip(places, points, strict=True) if point.intervals]
    drawn.sort()
    if drawn:
        low, high = zip(*(ends for _, ends in drawn), strict=True)
        axes.fill_between([place for place, _ in drawn], low, high, color=color, alpha=0.12, linewidth=0)


def _title(metric: str) -> str:
    return {"f1": "F1", "matthews": "Matthews correlation"}.get(metric, metric.capitalize())


def _layer_shares(counts: np.ndarray) -> np.ndarray:
    """Turns counts (layers, intervals) into shares of each layer's rows; NaN where no row reaches the layer."""
    reached = counts.sum(axis=1, keepdims=True)  # (layers, 1)
    return np.where(reached > 0, counts / np.maximum(reached, 1), np.nan)


def _heat_map(axes: Axes, share: np.ndarray, norm: PowerNorm, speed: float) -> QuadMesh:
    layers, intervals = share.shape
    axes.set_facecolor("#eeeeee")  # seen where no row gets
    edges = np.linspace(0, 1, intervals + 1)
    image = axes.pcolormesh(np.arange(layers + 1) + 0.5, edges, share.T, cmap="Blues", norm=norm, rasterized=True)
    if speed > 0:
        axes.axhline(speed, color=COLORS[1], linestyle="--", linewidth=1.2)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=12))
    return image


def _tenths(counts: Sequence[int]) -> np.ndarray:
    """Joins histogram intervals into 10."""
    return np.asarray(counts).reshape(10, -1).sum(axis=1)


def _wilson(right: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the share and its distances to the ends of the Wilson interval."""
    share, square = right / rows, WILSON_Z**2
    centre = (share + square / (2 * rows)) / (1 + square / rows)
    half = WILSON_Z * np.sqrt(share * (1 - share) / rows + square / (4 * rows**2)) / (1 + square / rows)
    return share, np.maximum(share - (centre - half), 0), np.maximum(centre + half - share, 0)
