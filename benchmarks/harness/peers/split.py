"""Calls of many rows on several threads, a part on each."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from fastbert_serving.models.graph_threads import GraphThreads
from harness.peers.engine import Answers, Engine


class SplitEngine:
    """Splits the rows of a call evenly over threads, those of our server: they stay the same, the last one goes first.

    Args:
        engine: answers each part, on the thread that has it.
        threads: as many parts; a call of one row is one part.
    """

    def __init__(self, engine: Engine, threads: int) -> None:
        self._engine = engine
        self._count = threads
        self._threads = GraphThreads(threads)
        self._callers = ThreadPoolExecutor(threads)

    def __call__(self, inputs: Any) -> Answers:
        """Answers `Tokens`, texts, or texts with other inputs a row."""
        parts = self._parts(inputs)
        if len(parts) == 1:
            return self._answer(inputs)
        answers = list(self._callers.map(self._answer, parts))
        return {name: np.concatenate([answer[name] for answer in answers]) for name in answers[0]}

    def warm_up(self, inputs: Any) -> None:
        """Answers every part of a call on every thread, as our server does with its warm-up requests."""
        for part in self._parts(inputs):
            self._threads.run_on_each(self._engine, part)

    def _answer(self, part: Any) -> Answers:
        return self._threads.run(self._engine, part)

    def _parts(self, inputs: Any) -> list[Any]:
        rows = len(next(iter(inputs.values()))) if isinstance(inputs, dict) else len(inputs)
        ends = np.linspace(0, rows, min(self._count, rows) + 1).astype(int)
        slices = [slice(first, last) for first, last in zip(ends[:-1], ends[1:], strict=True)]
        if isinstance(inputs, dict):
            return [{name: values[part] for name, values in inputs.items()} for part in slices]
        return [inputs[part] for part in slices]
