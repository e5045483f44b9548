"""Memory, threads, open files and processor time of a process."""

from __future__ import annotations

import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np

from harness.repeated import Repeated
from harness.serving_process import ServingProcess

MEBIBYTE = 2**20


@dataclass(frozen=True)
class Sample:
    """A look at the process."""

    seconds: float
    """Since the watch began."""
    mebibytes: float
    """Resident memory."""
    threads: int
    """Threads."""
    open_files: int
    """Open files and sockets."""
    processor_seconds: float
    """Processor time taken so far."""


class ProcessWatch(Repeated):
    """Looks at a server every so often while its `with` block runs.

    Args:
        server: the process.
        interval: seconds between two looks.
    """

    def __init__(self, server: ServingProcess, interval: float = 0.5) -> None:
        super().__init__(interval)
        self.server = server
        self.samples: list[Sample] = []
        self._start = time.monotonic()

    def look(self) -> Sample:
        """Takes a sample now."""
        server = self.server
        sample = Sample(
            seconds=time.monotonic() - self._start,
            mebibytes=server.memory_bytes() / MEBIBYTE,
            threads=server.threads(),
            open_files=server.open_files(),
            processor_seconds=server.processor_seconds(),
        )
        self.samples.append(sample)
        return sample

    def growth(self, figure: str = "mebibytes") -> float:
        """Returns by how much a figure grew from the second third of the time to the last, by their medians.

        The first third is warm-up: buffers and pools reach their size.
        """
        third = self.samples[-1].seconds / 3
        middle = [getattr(sample, figure) for sample in self.samples if third <= sample.seconds < 2 * third]
        last = [getattr(sample, figure) for sample in self.samples if sample.seconds >= 2 * third]
        return float(np.median(last) - np.median(middle)) if middle and last else 0.0

    def slope(self) -> float:
        """Returns the growth in MiB a minute of a straight line through the last two thirds."""
        late = [sample for sample in self.samples if sample.seconds >= self.samples[-1].seconds / 3]
        if len(late) < 3:
            return 0.0
        line = np.polyfit([sample.seconds for sample in late], [sample.mebibytes for sample in late], 1)
        return 60 * float(line[0])

    def report(self) -> dict[str, Any]:
        """Returns the figures as plain JSON types."""
        first, last = self.samples[0], self.samples[-1]
        return {
            "processors_busy": (last.processor_seconds - first.processor_seconds) / (last.seconds - first.seconds),
            "memory_mebibytes": [first.mebibytes, max(sample.mebibytes for sample in self.samples), last.mebibytes],
            "memory_growth_mebibytes": self.growth(),
            "memory_slope_mebibytes_a_minute": self.slope(),
            "threads": [first.threads, max(sample.threads for sample in self.samples), last.threads],
            "open_files": [first.open_files, max(sample.open_files for sample in self.samples), last.open_files],
        }

    def __enter__(self) -> ProcessWatch:
        self.look()
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        if self.server.is_alive:
            self.look()

    def _once(self) -> bool:
        try:
            self.look()
        except (OSError, RuntimeError):  # the process has ended: whoever asked for the watch finds out
            return False
        return True
