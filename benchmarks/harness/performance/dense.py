"""BERT-base's shape at full depth, 128 real tokens a row, random weights: how fast is the arithmetic?"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastbert_tf.evaluation import executed_flops
from harness.peers.job import Job
from harness.peers.processes import EngineProcess, EngineSettings, take_turns
from harness.peers.product import OPERATIONS
from harness.peers.workload import Workload, random_workload
from harness.performance.ours import STACKS
from harness.performance.settings import Settings
from harness.performance.subject import BERT_BASE, random_bert_base, trained
from harness.performance.timing import per_row, running

LENGTH = 128
ROWS = 32
CALLS = {1: 4, 8: 2, 32: 1}
"""Calls of a pass by batch size; all take rows of the same workload."""


def measure(settings: Settings) -> dict[str, Any]:
    """Times every engine at every batch size.

    Returns:
        `rows`: a list of results, one an engine and batch size; `gflop_per_row`; `peaks`: GOP/s of plain products.
    """
    subject = random_bert_base(trained("sst2", settings.classifiers["sst2"], settings.work, settings.threads))
    path = settings.work / "workloads" / "random_128.json"
    random_workload(ROWS, LENGTH, BERT_BASE.vocabulary_size).save(path)
    ours = {stack: subject.ours(stack) for stack in STACKS if settings.wanted(stack)}
    peers = {name: engine for name, engine in subject.peers().items() if settings.wanted(name)}
    flops = int(executed_flops(subject.classifier.model.config, None, LENGTH))
    results: list[dict[str, Any]] = []
    with running({**peers, **ours}, settings.work / "logs" / "dense") as engines:
        differences = _differences(engines, path, settings)
        for batch_size, calls in CALLS.items():
            job = Job(str(path), batch_size, every=ROWS // batch_size // calls)
            seconds = take_turns(engines, dict.fromkeys(engines, job), settings.turns)
            results += [
                {"engine": name, "batch_size": batch_size, **_with_rate(per_row(times, batch_size * calls), flops)}
                for name, times in seconds.items()
            ]
    return {"rows": results, "gflop_per_row": flops / 1e9, "peaks": _peaks(settings), "differences": differences}


def _with_rate(summary: dict[str, Any], flops: int) -> dict[str, Any]:
    return {**summary, "gops": flops / summary["ms_per_row"] / 1e6}


def _differences(engines: dict[str, EngineProcess], path: Any, settings: Settings) -> dict[str, float]:
    """Largest difference of any probability from the reference's, ours in padded float32, on a few rows."""
    job = Job(str(path), 8, every=4)
    answers = {
        name: engine.answers(job, settings.work / "answers.npz")["probabilities"] for name, engine in engines.items()
    }
    reference = answers.get(STACKS[0], next(iter(answers.values())))
    return {name: float(np.abs(values - reference).max()) for name, values in answers.items()}


def _peaks(settings: Settings) -> dict[str, float]:
    """GOP/s of one plain product (4096 tokens by the shape of a feed-forward layer) in TensorFlow, by type."""
    path = settings.work / "workloads" / "one_row.json"
    Workload([[1]], [[0]], [], []).save(path)
    types = ("float32", "bfloat16", "int8")
    workers = {kind: EngineSettings("product", str(settings.work), kind, settings.threads) for kind in types}
    with running(workers, settings.work / "logs" / "peak") as engines:
        seconds = take_turns(engines, dict.fromkeys(types, Job(str(path), 1)), 4 * settings.turns)
    return {kind: OPERATIONS / float(np.median(times)) / 1e9 for kind, times in seconds.items()}
