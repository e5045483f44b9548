"""What the comparison leaves in the repository: one JSON file, a figure, and a section of docs/results.md."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fastbert_tf.files import file_swap
from harness.variants.store import Store

RESULTS = Path(__file__).resolve().parents[3] / "docs" / "results"
FILE = RESULTS / "student_variants.json"
FIGURE = RESULTS / "student_variants.svg"
KINDS = ("tuning", "head", "pretraining", "fine_tuning")


def stored() -> dict[str, Any] | None:
    """Reads the results; None where nothing was run."""
    return json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else None


def keep(work: Path, machine: str) -> None:
    """Writes the finished jobs of a work folder as one file, without the folders' names.

    Raises:
        ValueError: nothing was run there.
    """
    store = Store(work)
    folders = ("teacher", "vocabulary", "data", "work")
    asked = {name: value for name, value in store.settings().items() if name not in folders}
    results = {"settings": asked, "machine": machine, **{kind: store.all(kind) for kind in KINDS}}
    with file_swap(FILE) as partial:
        partial.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
