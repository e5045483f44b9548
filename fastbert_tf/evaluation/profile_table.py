"""A profile as text tables, which are Markdown too."""

from __future__ import annotations

from collections.abc import Sequence

from fastbert_tf.evaluation.profile_parts import LAYER_PARTS, PARTS
from fastbert_tf.evaluation.profile_record import PartCost, Profile
from fastbert_tf.evaluation.table import aligned_table, in_millions

_SHORT = {
    "attention_projections": "projections",
    "attention_products": "products",
    "feed_forward": "feed forward",
    "norms_and_rest": "norms, rest",
}


def profile_text(profile: Profile) -> str:
    """Returns heading, tables and what they were measured with, as Markdown."""
    shape = profile.config.backbone
    threads = [
        str(count) if count else "one a processor" for count in (profile.intra_op_threads, profile.inter_op_threads)
    ]
    alone = sum(step.milliseconds for step in profile.steps)
    parts = [
        f"# {shape.num_layers} layers x {shape.hidden_dim}, batch {profile.batch_size}, {profile.length} tokens a row",
        f"All layers and branches; FLOPs and milliseconds a row, M = million. {profile.machine}; threads of an "
        f"operation: {threads[0]}, operations at a time: {threads[1]}; medians of {profile.repeats}.",
        part_table(profile),
        f"The check, by the clock without the profiler: the whole call takes {profile.whole_ms:.2f} ms a row; "
        f"embeddings, layers and branches, each alone in a graph of its own, {alone:.2f} ms. Layer by layer, in ms:",
        layer_table(profile),
    ]
    return "\n\n".join(parts) + "\n"


def part_table(profile: Profile) -> str:
    """Returns the cost of each part over all layers, and of the time in which no operation runs."""
    header = ("part", "parameters", "MB", "MB %", "paper FLOPs", "executed FLOPs", "FLOPs %", "ms", "ms %", "GFLOP/s")
    total = profile.total
    whole_ms = total.milliseconds + profile.idle_ms
    costs = [profile.sum_of(part.replace("_", " "), part) for part in PARTS]
    idle = PartCost("no operation runs", None, 0, 0, 0, 0, profile.idle_ms)
    everything = PartCost(**{**total.to_dict(), "milliseconds": whole_ms})
    rows = [
        (
            cost.part,
            f"{cost.parameters:,}",
            f"{cost.bytes / 1e6:.2f}",
            _percent(cost.bytes, total.bytes),
            in_millions(cost.paper_flops),
            in_millions(cost.executed_flops),
            _percent(cost.executed_flops, total.executed_flops),
            f"{cost.milliseconds:.3f}",
            _percent(cost.milliseconds, whole_ms),
            _rate(cost),
        )
        for cost in (*costs, idle, everything)
    ]
    return aligned_table(header, rows)


def layer_table(profile: Profile) -> str:
    """Returns the cost of each layer with its branch, the time by part, and the check by the clock."""
    header = (
        "layer", "parameters", "MB", "paper FLOPs", "executed FLOPs",
        *(_SHORT.get(part, part) for part in LAYER_PARTS), "sum", "alone",
    )  # fmt: skip
    nothing = [""] * len(LAYER_PARTS)
    rows = [_layer_row(profile.sum_of("embeddings", "embeddings"), nothing, f"{profile.alone_ms('start'):.3f}")]
    for layer in range(1, profile.config.backbone.num_layers + 1):
        alone = profile.alone_ms("layer", layer) + profile.alone_ms("classify", layer)
        times = [f"{profile.sum_of(part, part, layer=layer).milliseconds:.3f}" for part in LAYER_PARTS]
        rows.append(_layer_row(profile.sum_of(str(layer), layer=layer), times, f"{alone:.3f}"))
    rows.append(_layer_row(profile.sum_of("exit loop", "exit_loop"), nothing, ""))
    return aligned_table(header, rows)


def _layer_row(cost: PartCost, times: Sequence[str], alone: str) -> tuple[str, ...]:
    return (
        cost.part,
        f"{cost.parameters:,}",
        f"{cost.bytes / 1e6:.2f}",
        in_millions(cost.paper_flops),
        in_millions(cost.executed_flops),
        *times,
        f"{cost.milliseconds:.3f}",
        alone,
    )


def _percent(share: float, whole: float) -> str:
    return f"{100 * share / whole:.1f}"


def _rate(cost: PartCost) -> str:
    """Billions of executed FLOPs a second; empty where a part has none, or its time is too short to tell."""
    if not cost.executed_flops or not cost.milliseconds:
        return ""
    return f"{cost.executed_flops / cost.milliseconds / 1e6:.1f}"
