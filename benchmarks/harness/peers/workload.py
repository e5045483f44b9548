"""Rows to classify, in the order in which all engines see them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from harness.peers.engine import Tokens

T = TypeVar("T")


@dataclass(frozen=True)
class Workload:
    """Texts with their tokens; sorted by length, unless an order of arrival is measured."""

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
    token_ids: Sequence[list[int]],
    segment_ids: Sequence[list[int]],
    texts: Sequence[str] = (),
    labels: Sequence[int] = (),
) -> Workload:
    """Returns the rows, shortest first; equals keep their order."""
    rows = Workload(list(token_ids), list(segment_ids), list(texts), list(labels))
    return picked(rows, np.argsort(rows.lengths, kind="stable"))


def picked(rows: Workload, order: Iterable[int]) -> Workload:
    """Returns rows by their places, in this order; a place may come again."""
    order = list(order)

    def picks(column: list[T]) -> list[T]:
        return [column[row] for row in order] if column else []

    return Workload(picks(rows.token_ids), picks(rows.segment_ids), picks(rows.texts), picks(rows.labels))


def thinned(rows: Workload, count: int) -> Workload:
    """At most so many rows, evenly over their places: over the lengths, where rows are sorted."""
    total = len(rows.token_ids)
    return picked(rows, np.unique(np.linspace(0, total - 1, min(count, total)).astype(int)))


def shuffled(rows: Workload, seed: int = 0) -> Workload:
    """Returns the rows as requests come: short and long ones mixed."""
    return picked(rows, np.random.default_rng(seed).permutation(len(rows.token_ids)))


def repeated(rows: Workload, count: int) -> Workload:
    """Returns exactly so many rows; where there are fewer, the first ones come again."""
    return picked(rows, np.resize(np.arange(len(rows.token_ids)), count))


def random_workload(rows: int, length: int, vocabulary_size: int, seed: int = 0) -> Workload:
    """Returns rows of random ids, all of one length."""
    ids = np.random.default_rng(seed).integers(1, vocabulary_size, (rows, length)).tolist()
    return Workload(ids, np.zeros((rows, length), int).tolist(), [], [])
