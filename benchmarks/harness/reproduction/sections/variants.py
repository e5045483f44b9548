"""Other ways to self-distil."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.performance.markdown import table
from harness.reproduction.cells import in_points
from harness.reproduction.plan import FORWARD, LONGER, REVERSE, UNLABELLED

NAMES = {
    FORWARD: "KL(teacher ‖ student) on the training texts, 5 epochs",
    REVERSE: "KL(student ‖ teacher), eq. 5",
    UNLABELLED: "as much unlabelled text again, 5 epochs",
    LONGER: "training texts alone, as many steps as with unlabelled text",
}


def variants(summaries: Sequence[dict[str, Any]]) -> str | None:
    """One line a comparison."""
    rows = [
        [summary["title"], *(NAMES[kind] for kind in pair.split(" - ")), *map(in_points, found.values())]
        for summary in summaries
        for pair, found in summary.get("variants", {}).items()
    ]
    if not rows:
        return None
    return (
        "## Other ways to self-distil\n\nAccuracy of the first less that of the second at equal executed speedup, in "
        "points. All distil students anew, from the same random weights, for the same fine-tuned model; whether "
        "unlabelled text helps is said by the lines of equally many steps.\n\n"
        + table(["task", "first", "second", "2x", "3x", "4x", "mean"], rows)
    )
