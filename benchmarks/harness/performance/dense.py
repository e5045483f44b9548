"""BERT-base's shape at full depth, 128 real tokens a row, random weights: how fast is the arithmetic?"""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.peers.job import Job
from harness.peers.processes import EngineProcess, EngineSettings, take_turns
from harness.peers.product import OPERATIONS
from harness.peers.workload import Workload, random_workload
from harness.performance.names import JUDGED, PACKED, PADDED, ROWS_SPLIT, SHARED, STACKS
from harness.performance.rows import StoredRows
from harness.performance.settings import Settings
from harness.performance.subject import BERT_BASE, random_bert_base, trained
from harness.performance.timing import per_row, running
from harness.performance.work import packed_flops

LENGTH = 128
ROWS = 32
CALLS = {1: 4, 8: 2, 32: 1}
"""Calls of a pass by batch size; all take rows of the same workload."""
PRODUCTS = ("float32", "bfloat16", "int8")
PRODUCTS_A_PASS = 5


def measure(settings: Settings) -> dict[str, Any]:
    """Times every engine at every batch size, and plain products between them.

    Returns:
        `rows`: a list of results, one an engine and batch size; `gflop_per_row`; `peaks`: GOP/s of one plain product
        (4096 tokens by the shape of a feed-forward layer) in TensorFlow, by type; `differences` by engine.
    """
    subject = random_bert_base(trained("sst2", settings))
    rows = subject.store(random_workload(ROWS, LENGTH, BERT_BASE.vocabulary_size), "32_rows")
    single = subject.store(Workload([[1]] * PRODUCTS_A_PASS, [[0]] * PRODUCTS_A_PASS, [], []), "products")
    ours = {stack: subject.ours(stack) for stack in STACKS if settings.wanted(stack)}
    ours |= {f"{stack}{SHARED}": subject.ours(stack, share=True) for stack in PACKED if settings.wanted(stack)}
    peers = subject.peers()
    peers |= {f"{name}{ROWS_SPLIT}": subject.peer(name, split=True) for name in JUDGED if name in peers}
    products = {f"product {kind}": EngineSettings("product", "", kind, settings.threads) for kind in PRODUCTS}
    flops = packed_flops(subject.classifier.model.config, np.array([LENGTH]))
    results: list[dict[str, Any]] = []
    seconds: dict[str, list[np.ndarray]] = {name: [] for name in products}
    with running({**peers, **ours, **products}, settings.work / "logs" / "dense") as workers:
        engines = {name: worker for name, worker in workers.items() if name not in products}
        differences = _differences(engines, rows, settings)
        for batch_size, calls in CALLS.items():
            job = rows.job(batch_size, every=ROWS // batch_size // calls)
            jobs = dict.fromkeys(engines, job) | dict.fromkeys(products, single.job(1))
            times = take_turns(workers, jobs, settings.turns)
            for name in products:
                seconds[name].append(times.pop(name))  # (turns, products of a pass)
            results += [
                {"engine": name, "batch_size": batch_size, **_with_rate(per_row(values, batch_size * calls), flops)}
                for name, values in times.items()
            ]
    peaks = {name.split()[1]: OPERATIONS / float(np.median(np.stack(values))) / 1e9 for name, values in seconds.items()}
    return {"rows": results, "gflop_per_row": flops / 1e9, "peaks": peaks, "differences": differences}


def _with_rate(summary: dict[str, Any], flops: int) -> dict[str, Any]:
    return {**summary, "gops": flops / summary["ms_per_row"] / 1e6}


def _differences(engines: dict[str, EngineProcess], rows: StoredRows, settings: Settings) -> dict[str, float]:
    """Largest difference of any probability from the reference's, ours in padded float32, on a few rows."""
    job = Job(str(rows.path), 8, every=4)
    answers = {
        name: engine.answers(job, settings.work / "answers.npz")["probabilities"] for name, engine in engines.items()
    }
    reference = answers.get(PADDED, next(iter(answers.values()), None))
    return {name: float(np.abs(values - reference).max()) for name, values in answers.items()}
