"""A profile as a picture (figure 2 of Ganesh et al., 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fastbert_tf.evaluation.plots import COLORS, GREY, styled
from fastbert_tf.evaluation.profile_parts import LAYER_PARTS, PARTS
from fastbert_tf.evaluation.profile_record import Profile

_IDLE = "no operation runs"
_COLORS = dict(zip((*PARTS, _IDLE), (*COLORS, GREY, "#c9ccd1"), strict=True))


@styled
def plot_profile(profile: Profile) -> Figure:
    """Draws weights, arithmetic and time of each part over all layers, and the time layer by layer."""
    figure = Figure(figsize=(10.5, 7.4), layout="constrained")
    shape = profile.config.backbone
    figure.suptitle(
        f"{shape.num_layers} layers x {shape.hidden_dim}, batch {profile.batch_size}, {profile.length} tokens"
    )
    halves = figure.add_gridspec(2, 1)
    memory, arithmetic, time = figure.add_subfigure(halves[0]).subplots(1, 3, sharey=True)
    sums = [profile.sum_of(part, part) for part in PARTS]
    _bars(memory, "Weights (MB)", [cost.bytes / 1e6 for cost in sums])
    executed, paper = ([getattr(cost, name) / 1e6 for cost in sums] for name in ("executed_flops", "paper_flops"))
    _bars(arithmetic, "Executed FLOPs a row (millions)", executed, beside=paper)
    arithmetic.legend(loc="lower right")
    _bars(time, "Time a row (ms)", [cost.milliseconds for cost in sums], idle=profile.idle_ms)
    time.invert_yaxis()  # the first part on top; the others share the axis
    _layer_stacks(figure.add_subfigure(halves[1]).subplots(), profile)
    return figure


def _bars(axes: Axes, label: str, values: Sequence[float], beside: Sequence[float] = (), idle: float = 0.0) -> None:
    """Draws a bar a part, with its value and its share of all; other counts beside it are diamonds."""
    names, values = (*PARTS, _IDLE), (*values, idle)
    axes.barh(range(len(names)), values, color=[_COLORS[name] for name in names])
    for row, (value, other) in enumerate(zip_longest(values, beside, fillvalue=0.0)):
        if other:
            axes.plot(
                other, row, "D", color="white", markeredgecolor="black", label="paper FLOPs" if row == 1 else None
            )
        number = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
        text = f"{number} · {value / sum(values):.0%}"
        axes.annotate(text, (max(value, other), row), (6, 0), textcoords="offset points", va="center", fontsize=8)
    axes.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
    axes.margins(x=0.45)
    axes.set_xlim(left=0)
    axes.set_xlabel(label)


def _layer_stacks(axes: Axes, profile: Profile) -> None:
    """Draws a stack of parts a layer, and the check by the clock beside it."""
    layers = range(1, profile.config.backbone.num_layers + 1)
    bottom = np.zeros(len(layers))
    for part in LAYER_PARTS:
        times = np.asarray([profile.sum_of(part, part, layer=layer).milliseconds for layer in layers])
        axes.bar(layers, times, 0.7, bottom, color=_COLORS[part], label=part.replace("_", " "))
        bottom += times
    alone = [profile.alone_ms("layer", layer) + profile.alone_ms("classify", layer) for layer in layers]
    axes.plot(layers, alone, "_", color="black", markersize=22, label="alone, by the clock")
    axes.set_xticks(layers)
    axes.set_xlabel("Layer")
    axes.set_ylabel("Time a row (ms)")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), reverse=True)
