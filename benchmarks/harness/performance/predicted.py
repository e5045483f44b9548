"""What the scheduler has predicted at export, beside what is measured now, on the same rows in the same order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastbert_serving.manifest import Exits
from fastbert_tf.config import LEAST_SPEED
from fastbert_tf.data import BatchPipeline, TextDataset
from fastbert_tf.evaluation import BranchOutputs, predict_branches
from harness.peers.processes import EngineProcess
from harness.peers.workload import shuffled
from harness.performance.names import INT8
from harness.performance.rows import StoredRows, tokenised
from harness.performance.subject import Subject


@dataclass(frozen=True, eq=False)
class Statistics:
    """How sure all branches are of some rows, and these rows in the order in which the scheduler cuts batches."""

    outputs: BranchOutputs
    """Answers of all branches, in the order of `BatchPipeline.ordered`."""
    rows: StoredRows
    """The same rows, shuffled as `fastbert_tf.evaluation.exit_choice` shuffles them before it predicts."""


def statistics(subject: Subject, most: int) -> Statistics:
    """Asks all branches about held-out rows, at most so many, evenly over the data set."""
    count = len(subject.held_out)
    rows = subject.held_out.take(np.unique(np.linspace(0, count - 1, min(most, count)).astype(int)))
    pipeline = BatchPipeline(rows, subject.classifier.tokenizer)
    outputs = predict_branches(subject.stack(INT8), pipeline.ordered())
    return Statistics(outputs, rows_as_predicted(subject, rows, "predicted"))


def rows_as_predicted(subject: Subject, rows: TextDataset, what: str) -> StoredRows:
    """Rows of an evaluation in the order in which the scheduler cuts batches of them."""
    tokenizer = subject.classifier.tokenizer
    evaluated = rows.take(BatchPipeline(rows, tokenizer).order)
    return subject.store(shuffled(tokenised(evaluated, tokenizer)), what)


def compare(
    engines: Mapping[str, EngineProcess], exits: Exits, rows: StoredRows, name: str, turns: int
) -> list[dict[str, Any]]:
    """Times every prediction.

    Args:
        engines: `dense`, the plain encoder; `adaptive`, with all branches; `scheduled`, the export; each on one thread,
            as the server runs a batch.
        exits: holds the predictions.
        rows: those that were predicted for, in that order.
        name: of the export.
        turns: timed passes.

    Returns:
        One result a prediction: `export`, `batch_size`, `speed`, `what`, `threads`, `predicted_ms` and `measured_ms` a
        row.
    """
    results: list[dict[str, Any]] = []
    for prediction in exits.predictions:
        speed = prediction["speed"]
        cases = {
            "plain_ms": ("dense", None),
            "every_exit_ms": ("adaptive", speed),
            "chosen_ms": ("scheduled", speed),
            "no_exit_ms": ("scheduled", LEAST_SPEED),
        }
        jobs = {what: rows.job(prediction["batch_size"], speed=asked) for what, (_, asked) in cases.items()}
        places = {what: engines[name] for what, (name, _) in cases.items()}
        results += [
            {
                "export": name,
                "batch_size": prediction["batch_size"],
                "speed": speed,
                "what": what,
                "threads": 1,
                "predicted_ms": prediction[what],
                "measured_ms": summary["ms_per_row"],
            }
            for what, summary in rows.take_turns(places, jobs, turns).items()
        ]
    return results
