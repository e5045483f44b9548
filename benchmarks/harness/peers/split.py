"""Calls of many rows on several threads, a part on each."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from harness.peers.engine import Answers, Engine


class SplitEngine:
    """Splits the rows of a call evenly over threads, which stay the same.

    Args:
        engine: answers each part, on the thread that has it.
        threads: as many parts; a call of one row is one part.
    """

    def __init__(self, engine: Engine, threads: int) -> None:
        self._engine = engine
        self._count = threads
        self._threads = ThreadPoolExecutor(threads)

    def __call__(self, inputs: Any) -> Answers:
        """Answers `Tokens`, texts, or texts with other inputs a row."""
        answers = list(self._threads.map(self._engine, self._parts(inputs)))
        return {name: np.concatenate([answer[name] for answer in answers]) for name in answers[0]}

    def _parts(self, inputs: Any) -> list[Any]:
        rows = len(next(iter(inputs.values()))) if isinstance(inputs, dict) else len(inputs)
        ends = np.linspace(0, rows, min(self._count, rows) + 1).astype(int)
        slices = [slice(first, last) for first, last in zip(ends[:-1], ends[1:], strict=True)]
        if isinstance(inputs, dict):
            return [{name: values[part] for name, values in inputs.items()} for part in slices]
        return [inputs[part] for part in slices]
