"""What the scheduler has predicted at export, beside what is measured now."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from fastbert_serving.manifest import Manifest
from harness.peers.job import Job, rows_of, single_calls
from harness.peers.processes import take_turns
from harness.performance.ours import PACKED
from harness.performance.settings import Settings
from harness.performance.subject import Subject, exported
from harness.performance.timing import per_row, running

NEVER = 1e-9
"""A speed at which no row leaves, but every branch is asked."""


def compare(subject: Subject, path: Path, rows: int, settings: Settings) -> list[dict[str, Any]]:
    """Times every prediction in the manifests of the caller's exports.

    Args:
        subject: the classifier that was exported.
        path: workload of held-out rows, from which the predictions were made.
        rows: its rows.
        settings: names the exports.

    Returns:
        One result a prediction: `export`, `batch_size`, `speed`, `what`, `predicted_ms` and `measured_ms` a row.
    """
    results: list[dict[str, Any]] = []
    for name, folder in settings.exports.items():
        manifest = Manifest.read(folder)
        if manifest.exits is None or not manifest.exits.predictions:
            continue
        stack = f"packed {manifest.precision}"
        dense = subject.ours(stack if stack in PACKED else PACKED[0])
        engines = {"dense": dense, "export": exported(Path(folder), "", settings.threads)}
        with running(engines, settings.work / "logs" / "predicted") as workers:
            for prediction in manifest.exits.predictions:
                base = single_calls(Job(str(path), prediction["batch_size"]), rows)
                speeds = {"plain_ms": None, "chosen_ms": prediction["speed"], "no_exit_ms": NEVER}
                jobs = {what: replace(base, speed=speed) for what, speed in speeds.items()}
                places = {what: workers["dense" if what == "plain_ms" else "export"] for what in jobs}
                seconds = take_turns(places, jobs, settings.turns)
                results += [
                    {
                        "export": name,
                        "batch_size": prediction["batch_size"],
                        "speed": prediction["speed"],
                        "what": what,
                        "predicted_ms": prediction[what],
                        "measured_ms": per_row(times, rows_of(base, rows))["ms_per_row"],
                    }
                    for what, times in seconds.items()
                ]
    return results
