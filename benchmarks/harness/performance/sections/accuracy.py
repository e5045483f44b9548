"""Accuracy and size of every precision."""

from __future__ import annotations

from typing import Any

from harness.performance.markdown import table, unique
from harness.performance.sections.about import about


def accuracy_section(result: dict[str, Any]) -> str:
    """Accuracy of every precision at full depth and at the chosen speed, and the size of the files."""
    tasks = result["tasks"]
    kinds = [(task, speed) for task, facts in tasks.items() for speed in sorted({0.0, facts["speed"]})]
    cells = {(row["task"], row["engine"], row["speed"] or 0.0): f"{row['accuracy']:.4f}" for row in result["rows"]}
    body = [
        [
            engine,
            *(cells.get((engine_task, engine, speed), "") for engine_task, speed in kinds),
            f"{result['megabytes'][engine]:.1f}" if engine in result["megabytes"] else "",
        ]
        for engine in unique(row["engine"] for row in result["rows"])
    ]
    heads = [f"{task}, {f'speed {speed:g}' if speed else 'full depth'}" for task, speed in kinds]
    rows = "; ".join(
        f"{task}: {facts['rows']} rows, speed chosen on {facts['held_out_rows']} held out"
        for task, facts in tasks.items()
    )
    words = f"{rows}, with int8's answers, as in `chosen`. Sizes are of whole exports."
    return f"## Accuracy and size\n\n{about('accuracy', result)}\n\n{words}\n\n" + table(
        ["engine", *heads, "SST-2's model, MB"], body
    )
