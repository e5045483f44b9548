"""Real texts, trained models, full depth: tokens alone, and with tokenisation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from fastbert_tf.data import load_task
from harness.peers.job import Job, rows_of, single_calls
from harness.peers.processes import EngineProcess, EngineSettings, take_turns
from harness.peers.workload import Workload, thinned
from harness.performance.ours import PADDED, STACKS
from harness.performance.settings import Settings
from harness.performance.subject import Subject, exported, reported, trained, workload
from harness.performance.timing import per_row, running

TASKS = ("sst2", "book_review")
BATCH_SIZES = (1, 32)


def measure(settings: Settings) -> dict[str, Any]:
    """Times every engine on every task, at every batch size, from tokens and from texts.

    Returns:
        `rows`: a list of results; `tasks`: rows, mean length, and by engine accuracy and the largest difference of a
        probability from ours in padded float32.
    """
    results: list[dict[str, Any]] = []
    tasks: dict[str, Any] = {}
    for task in (task for task in TASKS if task in settings.classifiers):
        subject = trained(task, settings.classifiers[task], settings.work, settings.threads)
        path = settings.work / "workloads" / f"{task}.json"
        rows = thinned(workload(reported(load_task(task)), subject.classifier.tokenizer), settings.rows)
        rows.save(path)
        with running(_engines(subject, settings), settings.work / "logs" / f"real_{task}") as engines:
            tasks[task] = {
                "rows": len(rows.token_ids),
                "mean_tokens": float(rows.lengths.mean()),
                "engines": _answers(engines, rows, path, settings.work),
            }
            for batch_size in BATCH_SIZES:
                for from_texts in (False, True):
                    job = single_calls(Job(str(path), batch_size, from_texts=from_texts), len(rows.token_ids))
                    seconds = take_turns(engines, dict.fromkeys(engines, job), settings.turns)
                    results += [
                        {"task": task, "batch_size": batch_size, "from": "texts" if from_texts else "tokens",
                         "engine": name, **per_row(times, rows_of(job, len(rows.token_ids)))}
                        for name, times in seconds.items()
                    ]  # fmt: skip
    return {"rows": results, "tasks": tasks}


def _engines(subject: Subject, settings: Settings) -> dict[str, EngineSettings]:
    peers = {name: engine for name, engine in subject.peers().items() if settings.wanted(name)}
    ours = {stack: subject.ours(stack) for stack in STACKS if settings.wanted(stack)}
    if subject.name == "sst2":
        ours |= {name: exported(Path(path), "", settings.threads) for name, path in settings.exports.items()}
    return {**peers, **ours}


def _answers(engines: dict[str, EngineProcess], rows: Workload, path: Path, work: Path) -> dict[str, Any]:
    job, labels = Job(str(path), 32), np.array(rows.labels)
    said = {name: engine.answers(job, work / "answers.npz")["probabilities"] for name, engine in engines.items()}
    reference = said.get(PADDED, next(iter(said.values())))
    return {
        name: {
            "accuracy": float((probabilities.argmax(-1) == labels).mean()),
            "largest_difference": float(np.abs(probabilities - reference).max()),
        }
        for name, probabilities in said.items()
    }
