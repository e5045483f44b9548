"""Finished work: one JSON file a job, so that a killed comparison goes on with the next one."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastbert_tf.files import file_swap


@dataclass(frozen=True)
class Job:
    """One result of the comparison."""

    name: str
    """Of its file."""
    make: Callable[[], dict[str, Any]]
    """Works for minutes or hours; what it leaves in folders of its own lets the next call go on."""


class Store:
    """The results of finished jobs, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

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
            with file_swap(self._path(job.name)) as partial:
                partial.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
            print(f"   {job.name} took {(time.monotonic() - start) / 60:.1f} minutes", flush=True)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json"
