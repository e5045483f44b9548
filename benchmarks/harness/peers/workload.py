"""Rows to classify, in the order in which all engines see them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from harness.peers.engine import Tokens


@dataclass(frozen=True)
class Workload:
    """Texts with their tokens, shortest first: batches hold rows of like length."""

    token_ids: list[list[int]]
    """Ids of every row, special tokens included."""
    segment_ids: list[list[int]]
    """As long as the ids."""
    texts: list[str]
    """What the ids were made from; empty for rows of random ids."""
    labels: list[int]
    """Label ids; empty for unlabelled rows."""

    @property
    def lengths(self) -> np.ndarray:
        """Real tokens a row, int (rows,)."""
        return np.array([len(ids) for ids in self.token_ids])

    def slices(self, batch_size: int) -> Iterator[slice]:
        """Yields the rows of every batch; the last may be smaller."""
        for start in range(0, len(self.token_ids), batch_size):
            yield slice(start, min(start + batch_size, len(self.token_ids)))

    def batches(self, batch_size: int) -> list[Tokens]:
        """Returns every batch, padded to its own longest row."""
        return [padded(self.token_ids[rows], self.segment_ids[rows]) for rows in self.slices(batch_size)]

    def text_batches(self, batch_size: int) -> list[list[str]]:
        """Returns the texts of the same batches."""
        return [self.texts[rows] for rows in self.slices(batch_size)]

    def save(self, path: Path) -> None:
        """Writes JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Workload:
        """Reads what `save` wrote."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))


def padded(token_ids: Sequence[Sequence[int]], segment_ids: Sequence[Sequence[int]]) -> Tokens:
    """Returns rows as int32 (rows, longest row) arrays; BERT's padding id is 0."""
    shape = len(token_ids), max(len(ids) for ids in token_ids)
    tokens = {name: np.zeros(shape, np.int32) for name in ("token_ids", "segment_ids", "padding_mask")}
    for row, (ids, segments) in enumerate(zip(token_ids, segment_ids, strict=True)):
        tokens["token_ids"][row, : len(ids)] = ids
        tokens["segment_ids"][row, : len(ids)] = segments
        tokens["padding_mask"][row, : len(ids)] = 1
    return tokens


def sorted_workload(
    token_ids: Sequence[Sequence[int]],
    segment_ids: Sequence[Sequence[int]],
    texts: Sequence[str] = (),
    labels: Sequence[int] = (),
) -> Workload:
    """Returns the rows, shortest first; equals keep their order."""
    order = np.argsort([len(ids) for ids in token_ids], kind="stable")
    columns = [
        [column[row] for row in order] if len(column) else [] for column in (token_ids, segment_ids, texts, labels)
    ]
    return Workload(*columns)


def thinned(rows: Workload, count: int) -> Workload:
    """At most so many rows, evenly over the lengths."""
    total = len(rows.token_ids)
    chosen = np.unique(np.linspace(0, total - 1, min(count, total)).astype(int))
    columns = (rows.token_ids, rows.segment_ids, rows.texts, rows.labels)
    return Workload(*([column[row] for row in chosen] if column else [] for column in columns))


def random_workload(rows: int, length: int, vocabulary_size: int, seed: int = 0) -> Workload:
    """Returns rows of random ids, all of one length."""
    ids = np.random.default_rng(seed).integers(1, vocabulary_size, (rows, length)).tolist()
    return Workload(ids, np.zeros((rows, length), int).tolist(), [], [])
