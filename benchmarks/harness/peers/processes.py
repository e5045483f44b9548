"""Engines in worker processes that take turns."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from harness.peers.job import Job
from harness.pipes import opened

BENCHMARKS = Path(__file__).resolve().parents[2]
PAUSE = 0.02  # seconds between turns: threads of the last engine that still spin have gone to sleep by then


@dataclass(frozen=True)
class EngineSettings:
    """Which engine a worker runs."""

    name: str
    """Module of this package."""
    source: str
    """Directory of its model."""
    precision: str
    """One of the engine's precisions."""
    threads: int
    """Threads of one call of the engine."""
    tokenizer: str | None = None
    """Directory of `vocab.txt` and `tokenizer.json`, where texts are answered."""
    split: int = 1
    """Threads over which the rows of a call are split, each with a call of the engine."""


class EngineProcess:
    """A worker; a context manager that ends it."""

    def __init__(self, settings: EngineSettings, log: Path) -> None:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(BENCHMARKS), os.environ.get("PYTHONPATH", "")]),
            "OMP_NUM_THREADS": str(settings.threads),
            "RAYON_NUM_THREADS": str(settings.threads),
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }
        self._log = log
        with log.open("w") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "harness.peers.worker", json.dumps(asdict(settings))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment,
                text=True,
                bufsize=1,
            )

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Sends a job and waits for its answer.

        Raises:
            RuntimeError: the worker has died; the message holds the end of its log.
        """
        pipe_in, pipe_out = opened(self._process.stdin), opened(self._process.stdout)
        try:
            pipe_in.write(json.dumps({"do": do, **arguments}) + "\n")
            line = pipe_out.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            end = self._log.read_text(errors="replace")[-2000:]
            raise RuntimeError(f"{self._log.stem} died while it should {do}:\n{end}")
        return json.loads(line)

    def seconds(self, job: Job) -> list[float]:
        """Times one pass; seconds a batch."""
        return self.ask("time", **asdict(job))["seconds"]

    def warm_up(self, job: Job) -> None:
        """Runs one pass on every thread that takes part in it."""
        self.ask("warm_up", **asdict(job))

    def answers(self, job: Job, path: Path) -> dict[str, np.ndarray]:
        """Answers one pass, by way of a file."""
        self.ask("answer", path=str(path), **asdict(job))
        with np.load(path) as stored:
            return {name: stored[name] for name in stored.files}

    def __enter__(self) -> EngineProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(BrokenPipeError):  # a worker that has died
            opened(self._process.stdin).close()
        opened(self._process.stdout).close()
        self._process.wait()


def take_turns(engines: Mapping[str, EngineProcess], jobs: Mapping[str, Job], turns: int) -> dict[str, np.ndarray]:
    """Times every job once a turn; which goes first changes every turn.

    Args:
        engines: a process a job, by the job's name; jobs may share one.
        jobs: what is timed.
        turns: passes of every job, after one to warm up.

    Returns:
        Seconds (turns, batches) by the job's name.
    """
    names = list(jobs)
    for name in names:
        engines[name].warm_up(jobs[name])
    seconds: dict[str, list[list[float]]] = {name: [] for name in names}
    for turn in range(turns):
        for place in range(len(names)):
            name = names[(place + turn) % len(names)]
            time.sleep(PAUSE)
            seconds[name].append(engines[name].seconds(jobs[name]))
    return {name: np.array(values) for name, values in seconds.items()}
