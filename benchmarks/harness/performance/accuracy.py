"""What int8 costs in accuracy, and the size of what is exported."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from fastbert_tf.recipes.export import export_classifier
from harness.performance.choice import answers, choose_speed, right_answers
from harness.performance.names import INT8, ONNX_INT8, PACKED, PADDED, TASKS
from harness.performance.settings import Settings
from harness.performance.subject import Subject, trained
from harness.performance.timing import running

REPORTED, HELD_OUT = 10, 12
"""Rows for accuracy and for the choice of a speed: so many times as many as other parts time."""


def measure(settings: Settings) -> dict[str, Any]:
    """Answers the reported rows at full depth and at a speed that was chosen on held-out rows, with every stack.

    Returns:
        `rows`: a list of results: `task`, `engine`, `speed`, `accuracy`, `mean_exit_layer`; `tasks`: by name `rows`,
        `held_out_rows` and the chosen `speed`; `megabytes` by engine, of a whole export of SST-2's classifier.
    """
    results: list[dict[str, Any]] = []
    tasks: dict[str, Any] = {}
    megabytes: dict[str, float] = {}
    for task in (task for task in TASKS["accuracy"] if task in settings.classifiers):
        subject = trained(task, settings)
        found, tasks[task] = _task(subject, settings)
        results += found
        if task == "sst2":
            megabytes = {stack: _megabytes(subject, stack) for stack in PACKED}
    return {"rows": results, "tasks": tasks, "megabytes": megabytes}


def _task(subject: Subject, settings: Settings) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Chooses a speed with int8's answers, as the owner of an int8 export does, and takes it for every stack."""
    work = settings.work
    ours = {stack: subject.ours(stack, adaptive=True) for stack in (PADDED, *PACKED)}
    peer = {ONNX_INT8: subject.peer(ONNX_INT8)}
    held_out = subject.held_out_rows(HELD_OUT * settings.rows)
    reported = subject.reported_rows(REPORTED * settings.rows)
    with running({**ours, **peer}, work / "logs" / "accuracy") as workers:
        teacher = right_answers(workers[PADDED], held_out, 0.0, work)
        speed = choose_speed(workers[INT8], held_out, teacher, reported, work)
        results = [
            {"task": subject.name, "engine": name, "speed": asked, **answers(worker, reported, asked, work)}
            for name, worker in workers.items()
            for asked in (sorted({0.0, speed}) if name in ours else [None])
        ]
    return results, {"rows": len(reported), "held_out_rows": len(held_out), "speed": speed}


def _megabytes(subject: Subject, stack: str) -> float:
    """Size of the whole version directory that `fastbert export` writes, warm-up records and vocabulary included."""
    precision = stack.split()[1]
    calibration = subject.calibration if precision == "int8" else None
    with tempfile.TemporaryDirectory() as folder:
        version = export_classifier(subject.classifier, folder, precision=precision, calibration=calibration)
        return sum(path.stat().st_size for path in Path(version).rglob("*") if path.is_file()) / 1e6
