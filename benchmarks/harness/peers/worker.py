"""One engine in a process of its own: so no thread pool, allocator or library of one can disturb another.

    python -m harness.peers.worker '{"name": ..., "source": ..., "precision": ..., "threads": ..., ...}'

Reads jobs and writes answers as JSON, one a line. Between jobs it waits on its pipe.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from harness.peers.engine import load_engine, load_text_engine
from harness.peers.job import Job
from harness.peers.split import SplitEngine
from harness.peers.workload import Workload


class Worker:
    """Answers jobs; workloads are read and padded once.

    Args:
        settings: the arguments of `load_engine`, and `tokenizer` of `load_text_engine`.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        self._settings = settings
        self._engines: dict[bool, Callable[[Any], dict[str, np.ndarray]]] = {}
        self._batches: dict[tuple[str, int, bool], list[Any]] = {}

    def time(self, **job: Any) -> dict[str, Any]:
        """Seconds of every call of the pass; before many short ones comes an untimed one, which warms the caches."""
        engine, batches = self._prepared(Job(**job))
        if len(batches) > 1:
            engine(batches[0])
        if job["clients"] > 1:
            return {"seconds": [_seconds_of_clients(engine, batches, job["clients"])]}
        seconds = []
        for batch in batches:
            began = time.perf_counter()
            engine(batch)
            seconds.append(time.perf_counter() - began)
        return {"seconds": seconds}

    def warm_up(self, **job: Any) -> dict[str, Any]:
        """Answers the pass once, on every thread of the engine that could meet a batch of it."""
        engine, batches = self._prepared(Job(**job))
        for batch in batches:
            engine.warm_up(batch) if isinstance(engine, SplitEngine) else engine(batch)
        return {}

    def answer(self, path: str, **job: Any) -> dict[str, Any]:
        """Writes the pass's answers, rows in order, to a `.npz` file."""
        engine, batches = self._prepared(Job(**job))
        answers = [engine(batch) for batch in batches]
        joined = {name: np.concatenate([answer[name] for answer in answers]) for name in answers[0]}
        np.savez(path, **joined)  # type: ignore[arg-type]  # its stub takes the arrays for `allow_pickle`
        return {}

    def _prepared(self, job: Job) -> tuple[Callable[[Any], dict[str, np.ndarray]], list[Any]]:
        key = job.workload, job.batch_size, job.from_texts
        if key not in self._batches:
            workload = Workload.load(Path(job.workload))
            make = workload.text_batches if job.from_texts else workload.batches
            self._batches[key] = make(job.batch_size)
        batches = self._batches[key][job.first :: job.every]
        return self._engine(job.from_texts), [_with_speed(batch, job.speed) for batch in batches]

    def _engine(self, from_texts: bool) -> Callable[[Any], dict[str, np.ndarray]]:
        if from_texts not in self._engines:
            engine, threads = self._loaded(from_texts), self._settings["split"]
            self._engines[from_texts] = SplitEngine(engine, threads) if threads > 1 else engine
        return self._engines[from_texts]

    def _loaded(self, from_texts: bool) -> Callable[[Any], dict[str, np.ndarray]]:
        known = self._settings
        name, source, threads = known["name"], Path(known["source"]), known["threads"]
        if not from_texts:
            return load_engine(name, source, known["precision"], threads)
        return load_text_engine(name, source, threads, lambda: self._loaded(False), Path(known["tokenizer"] or source))


def _seconds_of_clients(engine: Callable[[Any], Any], batches: list[Any], clients: int) -> float:
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(lambda _: None, range(clients)))  # the threads have started
        began = time.perf_counter()
        list(pool.map(engine, batches))
        return time.perf_counter() - began


def _with_speed(batch: Any, speed: float | None) -> Any:
    if speed is None:
        return batch
    inputs = batch if isinstance(batch, dict) else {"text": batch}
    return {**inputs, "speed": np.full(len(next(iter(inputs.values()))), speed, np.float32)}


def serve(worker: Worker, answers: TextIO) -> None:
    """Answers until the pipe closes."""
    for line in sys.stdin:
        order = json.loads(line)
        answers.write(json.dumps(getattr(worker, order.pop("do"))(**order)) + "\n")
        answers.flush()


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints must not look like an answer
    serve(Worker(json.loads(sys.argv[1])), answers)


if __name__ == "__main__":
    main()
