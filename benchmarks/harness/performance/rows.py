"""The rows that a classifier is measured on, tokenised, in files that workers read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fastbert_tf.data import Task, TextDataset
from fastbert_tf.recipes.calibration_rows import hold_out
from fastbert_tf.recipes.digest import dataset_digest
from fastbert_tf.recipes.train import selection_split
from fastbert_tokenizers import WordPieceTokenizer
from harness.peers.job import Job, rows_of, single_calls
from harness.peers.processes import EngineProcess, take_turns
from harness.peers.workload import Workload
from harness.performance.timing import per_row


@dataclass(frozen=True, eq=False)
class StoredRows:
    """Rows, and the file that holds them."""

    workload: Workload
    """Tokens, texts, labels."""
    path: Path
    """Its file."""

    @classmethod
    def save(cls, workload: Workload, path: Path) -> StoredRows:
        """Writes the file."""
        workload.save(path)
        return cls(workload, path)

    def __len__(self) -> int:
        return len(self.workload.token_ids)

    @property
    def labels(self) -> np.ndarray:
        """int (rows,)."""
        return np.array(self.workload.labels)

    def job(self, batch_size: int, **options: Any) -> Job:
        """A pass over all batches."""
        return Job(str(self.path), batch_size, **options)

    def short_job(self, batch_size: int, **options: Any) -> Job:
        """A pass whose calls of one row are thinned out evenly."""
        return single_calls(self.job(batch_size, **options), len(self))

    def lengths_in(self, job: Job) -> np.ndarray:
        """Real tokens of the rows that a pass answers, int (rows,)."""
        lengths = self.workload.lengths
        return lengths[job.first :: job.every] if job.batch_size == 1 else lengths

    def take_turns(
        self, engines: Mapping[str, EngineProcess], jobs: Mapping[str, Job], turns: int
    ) -> dict[str, dict[str, Any]]:
        """Times jobs over these rows in turns; returns the summary of each, by the job's name."""
        seconds = take_turns(engines, jobs, turns)
        return {name: per_row(times, rows_of(jobs[name], len(self))) for name, times in seconds.items()}


def held_out(task: Task, classifier: Path) -> TextDataset:
    """Returns the training rows that training held out to select its epochs: never learned from, never reported on.

    Args:
        task: what the classifier was trained on.
        classifier: its folder; the run's `settings.json`, beside it, tells how many rows were held out, and which.

    Raises:
        ValueError: these are not the rows that the run held out.
    """
    run = json.loads((classifier.parent / "settings.json").read_text(encoding="utf-8"))
    told, seed = run["selection_rows"], run["training"]["seed"]
    left = hold_out(task.train, run.get("calibration_rows", {"count": 0})["count"], seed)[0]
    rows = selection_split(task, told["count"], seed, left)[1]
    if dataset_digest(rows) != told["digest"]:
        raise ValueError(f"{classifier} was trained on other rows of {task.name} than those in FASTBERT_DATA")
    return rows


def tokenised(rows: TextDataset, tokenizer: WordPieceTokenizer) -> Workload:
    """Tokenises rows in their order. Pairs keep their tokens alone: engines take single texts."""
    encoded = tokenizer.encode(list(rows.texts), None if rows.text_pairs is None else list(rows.text_pairs))
    token_ids, segment_ids = (encoded[name].to_list() for name in ("token_ids", "segment_ids"))
    labels = [] if rows.labels is None else rows.labels.tolist()
    return Workload(token_ids, segment_ids, [] if rows.is_pair else list(rows.texts), labels)
