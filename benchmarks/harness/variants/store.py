"""Finished work: one JSON file a job, so that a killed comparison goes on with the next one."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastbert_tf.files import file_swap
from harness.variants.settings import Settings


@dataclass(frozen=True)
class Job:
    """One result of the comparison."""

    name: str
    """Of its file."""
    make: Callable[[], dict[str, Any]]
    """Works for minutes or hours; what it leaves in folders of its own lets the next call go on."""


class Store:
    """The results of finished jobs, and what was asked for, in a work folder."""

    def __init__(self, work: Path) -> None:
        self.folder = work / "results"
        self._asked = work / "asked.json"

    def remember(self, settings: Settings) -> None:
        """Writes down what was asked for last."""
        _write(self._asked, settings.to_dict())

    def settings(self) -> dict[str, Any]:
        """Returns what was asked for last.

        Raises:
            ValueError: nothing has been run in this folder.
        """
        if not self._asked.is_file():
            raise ValueError(f"{self._asked} is missing: no comparison was run there; correct the work folder")
        return json.loads(self._asked.read_text(encoding="utf-8"))

    def has(self, name: str) -> bool:
        return self._path(name).is_file()

    def read(self, name: str) -> dict[str, Any]:
        return json.loads(self._path(name).read_text(encoding="utf-8"))

    def all(self, prefix: str) -> list[dict[str, Any]]:
        """Returns the results whose names begin so, in the order of their names."""
        return [self.read(path.stem) for path in sorted(self.folder.glob(f"{prefix}*.json"))]

    def run(self, jobs: Iterable[Job]) -> None:
        """Does the jobs that have no result yet, in their order."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for job in jobs:
            if self.has(job.name):
                continue
            print(f"== {job.name} {time.strftime('%H:%M:%S')}", flush=True)
            start = time.monotonic()
            result = job.make()
            _write(self._path(job.name), result)
            print(f"   {job.name} took {(time.monotonic() - start) / 60:.1f} minutes", flush=True)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json"


def _write(path: Path, values: dict[str, Any]) -> None:
    with file_swap(path) as partial:
        partial.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
