"""What a worker is asked to do."""

from __future__ import annotations

from dataclasses import dataclass, replace

SINGLE_CALLS = 100
"""At most so many calls of one row in a pass."""


@dataclass(frozen=True)
class Job:
    """One pass over some batches of a workload."""

    workload: str
    """Path of its file."""
    batch_size: int
    """Rows a call."""
    first: int = 0
    """The first batch of the pass."""
    every: int = 1
    """Distance between the batches of the pass: 1 takes all."""
    speed: float | None = None
    """Speed of every row, in [0, 1]; None does not say one."""
    from_texts: bool = False
    """Whether the engine starts from texts, tokenisation included."""
    clients: int = 1
    """Calls at a time. With several, the whole pass is timed, not every call."""


def single_calls(job: Job, rows: int) -> Job:
    """The job, with its calls of one row thinned out evenly over the lengths."""
    every = max(1, -(-rows // SINGLE_CALLS)) if job.batch_size == 1 else 1
    return replace(job, every=every)


def rows_of(job: Job, rows: int) -> int:
    """How many rows a pass of the job answers."""
    return len(range(rows)[job.first :: job.every]) if job.batch_size == 1 else rows
