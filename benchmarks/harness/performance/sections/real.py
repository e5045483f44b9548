"""Full depth on real texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.performance.markdown import table, unique
from harness.performance.sections.about import about


def real_section(result: dict[str, Any]) -> str:
    """Milliseconds a row of every engine on every task, with and without tokenisation, and accuracy."""
    parts = [f"## Full depth, real texts\n\n{about('real', result)}"]
    kinds = [(size, source) for size in (1, 32) for source in ("tokens", "texts")]
    for task, facts in result["tasks"].items():
        rows = [row for row in result["rows"] if row["task"] == task]
        cells = {(row["engine"], row["batch_size"], row["from"]): row["ms_per_row"] for row in rows}
        body = [
            [
                engine,
                *(f"{cells[engine, size, source]:.2f}" for size, source in kinds),
                f"{answers['accuracy']:.4f}",
                f"{answers['largest_difference']:.0e}",
            ]
            for engine, answers in facts["engines"].items()
        ]
        heads = [f"batch {size}, from {source}" for size, source in kinds]
        parts.append(
            f"{task}: {facts['rows']} rows of {facts['mean_tokens']:.1f} tokens on average; milliseconds a row."
        )
        parts.append(table(["engine", *heads, "accuracy on these rows", "largest difference of a probability"], body))
        parts += arrival(task, result.get("arrival", []))
        parts.append(f"![Milliseconds a row](results/performance/real_{task}.svg)")
    return "\n\n".join(parts)


def arrival(task: str, rows: Sequence[dict[str, Any]]) -> list[str]:
    """Some engines on batches that hold short and long rows."""
    body = [[row["engine"], f"{row['ms_per_row']:.2f}"] for row in rows if row["task"] == task]
    sizes = ", ".join(str(size) for size in unique(row["batch_size"] for row in rows))
    words = "The same rows as they come, so that a batch holds short and long ones:"
    return [words, table(["engine", f"batch {sizes}, from tokens"], body)] if body else []
