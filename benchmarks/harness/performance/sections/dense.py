"""Full depth at BERT-base's shape."""

from __future__ import annotations

from typing import Any

from harness.performance.markdown import table, unique
from harness.performance.sections.about import about


def dense_section(result: dict[str, Any]) -> str:
    """Milliseconds a row and GOP/s of every engine at BERT-base's shape."""
    sizes = sorted({row["batch_size"] for row in result["rows"]})
    cells = {(row["engine"], row["batch_size"]): row for row in result["rows"]}
    engines = unique(row["engine"] for row in result["rows"])
    peaks = ", ".join(f"{value:.0f} in {name}" for name, value in result["peaks"].items())
    return "\n\n".join([
        "## Full depth, BERT-base's shape, 128 real tokens a row",
        about("dense", result),
        f"Random weights, {result['gflop_per_row']:.1f} GFLOP a row. One large product in stock TensorFlow reaches, in "
        f"GOP/s: {peaks}.",
        table(
            ["engine", *(f"ms/row, batch {size}" for size in sizes), *(f"GOP/s, batch {size}" for size in sizes)],
            [
                [
                    engine,
                    *(f"{cells[engine, size]['ms_per_row']:.1f}" for size in sizes),
                    *(f"{cells[engine, size]['gops']:.0f}" for size in sizes),
                ]
                for engine in engines
            ],
        ),
        "![Milliseconds a row](results/performance/dense.svg)",
    ])  # fmt: skip
