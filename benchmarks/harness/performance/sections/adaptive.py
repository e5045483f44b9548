"""Early exit against full depth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.performance.markdown import table
from harness.performance.sections.about import about


def adaptive_section(result: dict[str, Any]) -> str:
    """Speedup in time beside speedup in executed FLOPs at every speed; never leaving; the scheduler."""
    heads = ["graph", "batch", "speed", "mean layer", "full depth ms/row", "adaptive ms/row", "speedup",
             "executed-FLOPs speedup", "share"]  # fmt: skip
    speeds = table(heads, [
        [row["stack"], str(row["batch_size"]), f"{row['speed']:g}", f"{row['mean_exit_layer']:.2f}",
         f"{row['dense_ms_per_row']:.2f}", f"{row['ms_per_row']:.2f}", f"{row['speedup']:.2f}x",
         f"{row['executed_speedup']:.2f}x", f"{row['speedup'] / row['executed_speedup']:.2f}"]
        for row in result["speeds"]
    ])  # fmt: skip
    return "\n\n".join([
        f"## Early exit against full depth, SST-2, packed int8\n\n{about('adaptive', result)}",
        speeds,
        "![Speedup](results/performance/adaptive.svg)",
        *never(result["never"]),
        *predicted(result["predicted"], result["schedule"]),
    ])  # fmt: skip


def never(rows: Sequence[dict[str, Any]]) -> list[str]:
    """What exits cost where no row leaves."""
    heads = ["shape", "exits", "batch", "without branches ms/row", "with them ms/row", "slower"]
    body = [
        [row["shape"], row["exits"], str(row["batch_size"]), f"{row['dense_ms_per_row']:.2f}",
         f"{row['ms_per_row']:.2f}", f"{100 * row['slower']:+.1f} %"]
        for row in rows
    ]  # fmt: skip
    words = (
        "Rows that never leave, though every branch that is on is asked (speed 1e-9), at SST-2's lengths and, for "
        "BERT-base's shape, 128 random tokens. There the scheduler is told SST-2's exits, stretched over the layers:"
    )
    return [words, table(heads, body)]


def predicted(rows: Sequence[dict[str, Any]], schedule: dict[str, Any]) -> list[str]:
    """What the scheduler predicted at export."""
    heads = ["export", "batch", "speed", "what", "predicted ms/row", "measured ms/row", "measured / predicted"]
    body = [
        [row["export"], str(row["batch_size"]), f"{row['speed']:g}", row["what"].removesuffix("_ms").replace("_", " "),
         f"{row['predicted_ms']:.2f}", f"{row['measured_ms']:.2f}", f"{row['measured_ms'] / row['predicted_ms']:.2f}"]
        for row in rows
    ]  # fmt: skip
    layers = ", ".join(map(str, schedule["layers"]))
    words = (
        f"For speed {schedule['speed']:g} the scheduler keeps the exits {layers} of `packed int8`. What it predicted, "
        "and what is measured on the same rows in the same order (held-out ones; an export's are those of its "
        "evaluation)"
    )
    if all(row.get("threads") == 1 for row in rows):
        words += ", a batch on one thread, as the server runs it"
    return [f"{words}:", table(heads, body)]
