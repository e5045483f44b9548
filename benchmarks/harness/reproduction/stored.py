"""The figures of the reproduction in the repository: one JSON file a task."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fastbert_tf.files import file_swap
from harness.reproduction.settings import TASKS

RESULTS = Path(__file__).resolve().parents[3] / "docs" / "results" / "reproduction"


def keep(summary: dict[str, Any] | None, results: Path = RESULTS) -> None:
    """Writes what is known of a task; nothing if that is nothing."""
    if summary is None:
        return
    results.mkdir(parents=True, exist_ok=True)
    with file_swap(results / f"{summary['task']}.json") as unfinished:
        unfinished.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")


def stored(results: Path = RESULTS) -> list[dict[str, Any]]:
    """Reads what is known, in the order of the tasks."""
    paths = [results / f"{task}.json" for task in TASKS]
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths if path.exists()]
