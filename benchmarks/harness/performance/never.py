"""What early exit costs where no row leaves: beside the same encoder without branches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from fastbert_serving.manifest import Exits
from fastbert_tf.config import DEFAULT_SPEED, LEAST_SPEED
from fastbert_tf.evaluation import BranchOutputs
from harness.peers.processes import EngineProcess
from harness.peers.workload import random_workload
from harness.performance.names import INT8
from harness.performance.rows import StoredRows
from harness.performance.settings import Settings
from harness.performance.subject import BERT_BASE, Subject, random_bert_base
from harness.performance.timing import ratio, running

LENGTH = 128
ROWS = 8
BATCH_SIZES = (1, 8)
MORE_TURNS = 3
"""Differences of 3 % need more turns than others."""


def without_leaving(
    engines: Mapping[str, EngineProcess], rows: StoredRows, batch_size: int, exits: Exits, turns: int
) -> list[dict[str, Any]]:
    """Times all branches, and those of the scheduler's choice, at a speed at which no row leaves.

    Args:
        engines: `dense`, `adaptive` (all branches), `scheduled`.
        rows: what is timed.
        batch_size: rows a call.
        exits: the scheduler's choice.
        turns: timed passes elsewhere; here there are more.

    Returns:
        Two results: `batch_size`, `exits` in words, milliseconds a row, and `slower`, the share of time added.
    """
    jobs = {"dense": rows.short_job(batch_size)}
    jobs |= {name: rows.short_job(batch_size, speed=LEAST_SPEED) for name in ("adaptive", "scheduled")}
    times = rows.take_turns({name: engines[name] for name in jobs}, jobs, MORE_TURNS * turns)
    words = {"adaptive": "all", "scheduled": "the scheduler's: " + ", ".join(map(str, exits.layers))}
    return [
        {
            "batch_size": batch_size,
            "exits": words[name],
            "dense_ms_per_row": times["dense"]["ms_per_row"],
            **times[name],
            "slower": 1 / ratio(times["dense"], times[name]) - 1,
        }
        for name in words
    ]


def bert_base(beside: Subject, outputs: BranchOutputs, settings: Settings) -> list[dict[str, Any]]:
    """The same at BERT-base's shape, 128 random tokens a row.

    Random weights have no exit statistics, so the scheduler gets those of the other model, stretched over the layers.
    """
    subject = random_bert_base(beside)
    rows = subject.store(random_workload(ROWS, LENGTH, BERT_BASE.vocabulary_size), "8_rows")
    scheduled, exits = subject.scheduled(INT8, DEFAULT_SPEED, stretched(outputs, subject.num_layers))
    engines = {"dense": subject.ours(INT8), "adaptive": subject.ours(INT8, adaptive=True), "scheduled": scheduled}
    with running(engines, settings.work / "logs" / "never") as workers:
        return [
            {"shape": "BERT-base", **result}
            for size in BATCH_SIZES
            for result in without_leaving(workers, rows, size, exits, settings.turns)
        ]


def stretched(outputs: BranchOutputs, num_layers: int) -> BranchOutputs:
    """Answers of a deeper model: every layer says what the one at its share of the depth says; rows are full."""
    layers = outputs.probabilities.shape[1]
    places = np.ceil(np.arange(1, num_layers + 1) * layers / num_layers).astype(int) - 1
    lengths = np.full_like(outputs.lengths, LENGTH)
    return replace(outputs, probabilities=outputs.probabilities[:, places], lengths=lengths)
