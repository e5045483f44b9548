"""How calls share batches: TensorFlow Serving's batching parameters, checked."""

from __future__ import annotations

import bisect
import os
from dataclasses import dataclass, field
from typing import Any

from fastbert_serving import text_protos


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class BatchingParameters:
    """The fields of `--batching_parameters_file`, with TensorFlow Serving's defaults.

    Raises:
        ValueError: a field breaks its rule.
    """

    max_batch_size: int = 1000
    """Rows of the largest call, and of a batch where `max_execution_batch_size` names no other."""
    batch_timeout_micros: int = 0
    """Longest that a batch waits for company while others run, in microseconds."""
    max_enqueued_batches: int = 10
    """Full batches of a model and signature that may wait; past it calls are refused."""
    num_batch_threads: int = field(default_factory=_processors)
    """Batches computed at the same time; the default is one a processor."""
    thread_pool_name: str = "batch_threads"
    """Name of the threads."""
    allowed_batch_sizes: tuple[int, ...] = ()
    """Rows that a batch is padded to, rising; the last is `max_batch_size`. Empty: no padding."""
    enable_large_batch_splitting: bool = False
    """Whether calls are split into batches of `max_execution_batch_size`."""
    max_execution_batch_size: int | None = None
    """Rows of a full batch under `enable_large_batch_splitting`; None for `max_batch_size`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "allowed_batch_sizes", tuple(self.allowed_batch_sizes))
        for name, lowest in (
            ("max_batch_size", 1),
            ("batch_timeout_micros", 0),
            ("max_enqueued_batches", 1),
            ("num_batch_threads", 1),
            ("max_execution_batch_size", 1),
        ):
            value = getattr(self, name)
            if value is not None and value < lowest:
                raise ValueError(f"{name} must be at least {lowest}, but is {value}")
        self._check_execution_size()
        self._check_allowed_sizes()

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> BatchingParameters:
        """Reads a text-proto file.

        Raises:
            ValueError: the file cannot be read or a field breaks its rule; the message names file and field.
        """
        message = text_protos.parse_text(path, text_protos.BatchingParameters)
        try:
            return cls.from_proto(message)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    @classmethod
    def from_proto(cls, message: Any) -> BatchingParameters:
        """Takes the fields that a `BatchingParameters` message sets.

        Raises:
            ValueError: a field breaks its rule, or is not supported.
        """
        if message.pad_variable_length_inputs:
            raise ValueError(
                "pad_variable_length_inputs is not supported: it pads with a tensor's first element, which turns "
                "padding into tokens; leave it out, calls of equal shape share batches without it"
            )
        wrapped = {name.name: value.value for name, value in message.ListFields() if name.message_type is not None}
        return cls(**wrapped, allowed_batch_sizes=tuple(message.allowed_batch_sizes))

    @property
    def batch_rows(self) -> int:
        """Rows of a full batch."""
        return self.max_execution_batch_size or self.max_batch_size

    @property
    def max_call_rows(self) -> int:
        """Rows of the largest call."""
        return self.max_batch_size

    @property
    def max_queued_rows(self) -> int:
        """Rows of a model and signature that may wait."""
        return self.max_enqueued_batches * self.batch_rows

    def padded_rows(self, rows: int) -> int:
        """Returns the rows that a batch of `rows` is padded to."""
        sizes = self.allowed_batch_sizes
        return sizes[bisect.bisect_left(sizes, rows)] if sizes else rows

    def _check_execution_size(self) -> None:
        size = self.max_execution_batch_size
        if size is not None and not self.enable_large_batch_splitting:
            raise ValueError("max_execution_batch_size needs enable_large_batch_splitting { value: true }; set both")
        if size is not None and size > self.max_batch_size:
            raise ValueError(
                f"max_execution_batch_size must be at most max_batch_size, {self.max_batch_size}, but is {size}"
            )

    def _check_allowed_sizes(self) -> None:
        sizes = list(self.allowed_batch_sizes)
        if sizes and (sizes[0] < 1 or sizes != sorted(set(sizes))):
            raise ValueError(f"allowed_batch_sizes must be positive and rise, but are {sizes}; sort them")
        if sizes and sizes[-1] != self.max_batch_size:
            raise ValueError(
                f"the last entry in allowed_batch_sizes must be max_batch_size, {self.max_batch_size}, "
                f"but is {sizes[-1]}; add {self.max_batch_size}, or leave the sizes out"
            )
