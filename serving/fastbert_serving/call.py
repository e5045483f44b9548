"""A request on its way through the server, whatever door it came through, and its result."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

DEFAULT_SIGNATURE = "serving_default"
SPEED_SIGNATURE = "with_speed"
SPEEDUP_SIGNATURE = "with_speedup"


@dataclass(frozen=True)
class ModelReference:
    """Which model a request means: by name alone (the newest version), by number, or by label."""

    name: str
    """The model's name."""
    version: int | None = None
    """Version number, or None."""
    label: str = ""
    """Version label, or empty; never together with a version."""


class Cancellation:
    """Tells whoever works on a call that its client has gone; may be used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []
        self._is_set = False

    @property
    def is_set(self) -> bool:
        """Whether the client has gone."""
        return self._is_set

    def set(self) -> None:
        """Runs every callback, once."""
        with self._lock:
            self._is_set = True
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def add_callback(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Runs `callback` when the client goes, at once if it has gone already.

        Returns:
            What takes the callback back, and lets go of all that it holds; call it when the work has ended.
        """

        def remove() -> None:
            with self._lock, suppress(ValueError):  # it has run
                self._callbacks.remove(callback)

        with self._lock:
            if not self._is_set:
                self._callbacks.append(callback)
                return remove
        callback()
        return remove


@dataclass(frozen=True)
class Call:
    """One Predict request, decoded."""

    model: ModelReference
    """What shall answer."""
    inputs: Mapping[str, np.ndarray]
    """Arrays by input name, the batch first; strings are object arrays of `bytes`."""
    signature: str = DEFAULT_SIGNATURE
    """The signature's name."""
    output_filter: Sequence[str] = ()
    """Outputs to return; empty for all."""
    deadline: float | None = None
    """`time.monotonic()` seconds after which nobody waits for the answer; None for no deadline."""
    cancellation: Cancellation = field(default_factory=Cancellation, compare=False)
    """Set when the client goes."""
    request_id: str = ""
    """Names the request in the access log; given by the client or the door."""

    @property
    def rows(self) -> int:
        """Rows of the batch; a scalar input counts as one, and the signature refuses it."""
        return max((len(array) if array.ndim else 1 for array in self.inputs.values()), default=0)

    @property
    def is_expired(self) -> bool:
        """Whether the deadline has passed."""
        return self.deadline is not None and time.monotonic() >= self.deadline


@dataclass(frozen=True)
class Result:
    """What a backend answers to a call."""

    model: str
    """The model's name."""
    version: int
    """The version that answered."""
    signature: str
    """The signature that ran."""
    outputs: Mapping[str, np.ndarray]
    """Arrays by output name, the batch first."""
    queue_seconds: float | None = None
    """Time that the rows waited before work on them began; None where the backend does not know."""
    run_seconds: float = 0.0
    """Time that the graph took for the batch they were in."""
    batch_rows: int | None = None
    """Rows of that batch, padding left out; None where the backend does not know."""
