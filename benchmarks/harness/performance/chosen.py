"""The speed that one would choose, beside the engines that one would choose instead: texts in, answers out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.peers.processes import EngineProcess
from harness.performance.choice import answers, choose_speed, right_answers
from harness.performance.names import INT8, ONNX_INT8, PACKAGE, PADDED, ROWS_SPLIT, SCHEDULED
from harness.performance.predicted import statistics
from harness.performance.rows import StoredRows
from harness.performance.settings import Settings
from harness.performance.subject import Subject, callers_exports, trained
from harness.performance.timing import running

TASK = "sst2"
BATCH_SIZES = (1, 32)
HELD_OUT, STATISTICS, REPORTED = 12, 6, 4
"""Rows for the choice of a speed, for the scheduler, and for accuracy: so many times as many as are timed."""
SPLIT = f"{ONNX_INT8}{ROWS_SPLIT}"

Workers = Mapping[str, EngineProcess]


def measure(settings: Settings) -> dict[str, Any]:
    """Chooses a speed on held-out training rows, then measures it on the reported ones beside the peers.

    Returns:
        `speed`; `exits` of the scheduler's choice at it; `held_out` and `reported`, each `rows` and `accuracy` by
        engine; `times`: a list of results: `engine`, `batch_size`, `from`, `clients` (calls at a time), milliseconds a
        row.
    """
    subject, work = trained(TASK, settings), settings.work
    held_out = subject.held_out_rows(HELD_OUT * settings.rows)
    rows = subject.reported_rows(REPORTED * settings.rows, "accuracy")
    teacher, every = subject.ours(PADDED), subject.ours(INT8, adaptive=True)
    with running({PADDED: teacher, INT8: every}, work / "logs" / "choice") as workers:
        accuracy = {PADDED: answers(workers[PADDED], held_out, None, work)}
        right = right_answers(workers[PADDED], held_out, None, work)
        speed = choose_speed(workers[INT8], held_out, right, rows, work)
        accuracy[INT8] = answers(workers[INT8], held_out, speed, work)
    scheduled, exits = subject.scheduled(INT8, speed, statistics(subject, STATISTICS * settings.rows).outputs)
    engines = {
        INT8: every,
        SCHEDULED: scheduled,
        **callers_exports(settings),
        ONNX_INT8: subject.peer(ONNX_INT8),
        SPLIT: subject.peer(ONNX_INT8, split=True),
        PACKAGE: subject.peer("fastbert_package float32"),
        PADDED: teacher,
    }
    fixed = {ONNX_INT8, SPLIT, PADDED}  # full depth
    speeds = {name: None if name in fixed else speed for name in engines}
    with running(engines, work / "logs" / "chosen") as workers:
        return {
            "speed": speed,
            "exits": {"layers": exits.layers, "shrink_share": exits.shrink_share},
            "held_out": {"rows": len(held_out), "accuracy": accuracy},
            **_reported(subject, workers, rows, speeds, settings),
        }


def _reported(
    subject: Subject, workers: Workers, everything: StoredRows, speeds: Mapping[str, float | None], settings: Settings
) -> dict[str, Any]:
    """Accuracy of every engine on all reported rows, and its times on some of them."""
    accuracy = {
        name: answers(worker, everything, speeds[name], settings.work)
        for name, worker in workers.items()
        if name not in (PACKAGE, SPLIT)
    }
    accuracy[PACKAGE] = _package_accuracy(workers[PACKAGE], everything, speeds[PACKAGE], settings)
    rows = subject.reported_rows(settings.rows)
    times = [
        {"engine": name, "batch_size": size, "from": source, "clients": clients, **summary}
        for size in BATCH_SIZES
        for source in ("tokens", "texts")
        for clients in sorted({1, settings.threads})
        for name, summary in _times(workers, rows, size, source, clients, speeds, settings).items()
    ]
    return {"reported": {"rows": len(everything), "accuracy": accuracy}, "times": times}


def _times(
    workers: Workers,
    rows: StoredRows,
    batch_size: int,
    source: str,
    clients: int,
    speeds: Mapping[str, float | None],
    settings: Settings,
) -> dict[str, dict[str, Any]]:
    """All engines in turns; the package takes single texts alone, and the padded teacher is there for its accuracy."""
    left_out = {PADDED}
    if batch_size > 1 or source == "tokens" or clients > 1:
        left_out.add(PACKAGE)
    names = [name for name in workers if name not in left_out]
    options = {"from_texts": source == "texts", "clients": clients}
    jobs = {name: rows.short_job(batch_size, speed=speeds[name], **options) for name in names}
    return rows.take_turns({name: workers[name] for name in names}, jobs, settings.turns)


def _package_accuracy(
    worker: EngineProcess, rows: StoredRows, speed: float | None, settings: Settings
) -> dict[str, float]:
    said = worker.answers(rows.job(1, speed=speed, from_texts=True), settings.work / "answers.npz")
    right = said["probabilities"].argmax(-1) == rows.labels
    return {"accuracy": float(right.mean()), "mean_exit_layer": float(said["exit_layer"].mean())}
