"""One call under TensorFlow's profiler: which operations ran when, and whose time it was."""

from __future__ import annotations

import re
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import tensorflow as tf
from tensorflow.tsl.profiler.protobuf import xplane_pb2  # the only reader of what the profiler writes

_OPERATION = re.compile(r"(?P<name>[^:\s]+):(?P<kind>\w+)")
_CONTAINERS = {  # their own time is that of the operations inside, which are traced, too
    "Call", "PartitionedCall", "StatefulPartitionedCall", "If", "StatelessIf", "Case", "StatelessCase", "While",
    "StatelessWhile",
}  # fmt: skip


class Operation(NamedTuple):
    """One run of one operation of the graph."""

    name: str
    """With all its scopes."""
    start: int
    """Picoseconds, since an instant that all operations of a trace share."""
    end: int
    """Picoseconds."""


class Trace(NamedTuple):
    """One call."""

    seconds: float
    """Duration of the call, profiler on."""
    operations: list[Operation]
    """What ran on the processors, in no order."""


def trace(call: Callable[[], Any]) -> Trace:
    """Runs a call under TensorFlow's profiler.

    Raises:
        tf.errors.AlreadyExistsError: another profile is being taken in this process.
    """
    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        try:
            start = time.perf_counter()
            call()
            seconds = time.perf_counter() - start
        finally:
            tf.profiler.experimental.stop()
        (written,) = Path(folder).rglob("*.xplane.pb")
        space = xplane_pb2.XSpace.FromString(written.read_bytes())
    return Trace(seconds, [operation for plane in space.planes for operation in _operations(plane)])


def shared_seconds(operations: Iterable[Operation]) -> dict[str, float]:
    """Divides time among operations: an instant in which several run is shared by them evenly.

    The times of operations that run side by side would add up to more than the time that passed; these do not.

    Returns:
        Seconds by name; their sum is the time in which any operation ran.
    """
    runs = list(operations)
    edges = sorted(
        edge for number, run in enumerate(runs) for edge in ((run.start, 0, number), (run.end, 1, number))
    )  # at one instant starts come first, so an operation without duration also ends
    seconds: dict[str, float] = defaultdict(float)
    running: set[int] = set()
    before = 0
    for instant, ends, number in edges:
        for other in running:
            seconds[runs[other].name] += (instant - before) / len(running) * 1e-12
        before = instant
        if ends:
            running.remove(number)
        else:
            running.add(number)
    return seconds


def _operations(plane: Any) -> Iterable[Operation]:
    """Finds the runs of operations, which the profiler calls `name:kind`, among all events of a device."""
    found = {number: _OPERATION.fullmatch(event.name) for number, event in plane.event_metadata.items()}
    names = {number: match["name"] for number, match in found.items() if match and match["kind"] not in _CONTAINERS}
    for line in plane.lines:
        for event in line.events:
            if event.metadata_id in names:
                start = line.timestamp_ns * 1000 + event.offset_ps
                yield Operation(names[event.metadata_id], start, start + event.duration_ps)
