"""What a run of the benchmark was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.peers.engine import PRECISIONS
from harness.performance.names import STACKS


@dataclass(frozen=True)
class Settings:
    """Choices of the caller."""

    classifiers: Mapping[str, str]
    """Folder of the trained classifier by task."""
    exports: Mapping[str, str]
    """Further version directories of SST-2's classifier by name: measured beside ours in `real`, `adaptive` and
    `chosen`."""
    engines: tuple[str, ...]
    """Parts of names; an engine of `dense` or `real` whose name holds none of them is left out. Empty: all run."""
    work: Path
    """Folder for models, graphs and logs; what is there is not made again."""
    threads: int
    """Threads of every engine."""
    turns: int
    """Timed passes of every engine."""
    rows: int
    """At most so many rows of a data set are timed, evenly over the lengths; other counts are multiples of it."""

    def wanted(self, name: str) -> bool:
        """Whether an engine takes part."""
        return not self.engines or any(part in name for part in self.engines)


def every_engine() -> list[str]:
    """Names of all engines but the exports of the caller."""
    peers = [f"{name} {precision}" for name, precisions in PRECISIONS.items() for precision in precisions]
    return [*peers, *STACKS]
