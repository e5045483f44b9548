"""Real texts, trained models, full depth: tokens alone, and with tokenisation."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.peers.processes import EngineProcess, EngineSettings
from harness.peers.workload import shuffled
from harness.performance.names import INT8, ONNX_FLOAT32, ONNX_INT8, PADDED, STACKS, TASKS
from harness.performance.rows import StoredRows
from harness.performance.settings import Settings
from harness.performance.subject import Subject, callers_exports, trained
from harness.performance.timing import running

BATCH_SIZES = (1, 32)
ARRIVAL_BATCH_SIZE = 32
IN_ARRIVAL = (PADDED, INT8, ONNX_FLOAT32, ONNX_INT8)
"""Engines that are also measured on batches of mixed lengths."""


def measure(settings: Settings) -> dict[str, Any]:
    """Times every engine on every task, at every batch size, from tokens and from texts.

    Returns:
        `rows`: a list of results; `arrival`: the same for some engines on batches of rows as they come, which hold
        short and long ones; `tasks`: rows, mean length, and by engine accuracy and the largest difference of a
        probability from ours in padded float32.
    """
    results: list[dict[str, Any]] = []
    arrival: list[dict[str, Any]] = []
    tasks: dict[str, Any] = {}
    for task in (task for task in TASKS["real"] if task in settings.classifiers):
        subject = trained(task, settings)
        rows = subject.reported_rows(settings.rows)
        mixed = subject.store(shuffled(rows.workload), "arrival")
        with running(_engines(subject), settings.work / "logs" / f"real_{task}") as engines:
            tasks[task] = {
                "rows": len(rows),
                "mean_tokens": float(rows.workload.lengths.mean()),
                "engines": _answers(engines, rows, settings),
            }
            results += [
                {"task": task, "batch_size": size, "from": source, "engine": name, **summary}
                for size in BATCH_SIZES
                for source in ("tokens", "texts")
                for name, summary in _times(engines, rows, size, source, settings).items()
            ]
            some = {name: engine for name, engine in engines.items() if name in IN_ARRIVAL}
            arrival += [
                {"task": task, "batch_size": ARRIVAL_BATCH_SIZE, "from": "tokens", "engine": name, **summary}
                for name, summary in _times(some, mixed, ARRIVAL_BATCH_SIZE, "tokens", settings).items()
            ]
    return {"rows": results, "arrival": arrival, "tasks": tasks}


def _engines(subject: Subject) -> dict[str, EngineSettings]:
    settings = subject.settings
    ours = {stack: subject.ours(stack) for stack in STACKS if settings.wanted(stack)}
    exports = callers_exports(settings) if subject.name == "sst2" else {}
    return {**subject.peers(), **ours, **exports}


def _times(
    engines: dict[str, EngineProcess], rows: StoredRows, batch_size: int, source: str, settings: Settings
) -> dict[str, dict[str, Any]]:
    job = rows.short_job(batch_size, from_texts=source == "texts")
    return rows.take_turns(engines, dict.fromkeys(engines, job), settings.turns)


def _answers(engines: dict[str, EngineProcess], rows: StoredRows, settings: Settings) -> dict[str, Any]:
    job = rows.job(32)
    said = {
        name: engine.answers(job, settings.work / "answers.npz")["probabilities"] for name, engine in engines.items()
    }
    reference = said.get(PADDED, next(iter(said.values()), None))
    return {
        name: {
            "accuracy": float((probabilities.argmax(-1) == rows.labels).mean()),
            "largest_difference": float(np.abs(probabilities - reference).max()),
        }
        for name, probabilities in said.items()
    }
