"""A profile as it is stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastbert_tf.config import FastBertConfig
from fastbert_tf.evaluation.record import SCHEMA_VERSION, Record, check_schema_version


@dataclass(frozen=True)
class PartCost(Record):
    """What one part of one layer costs."""

    part: str
    """One of `PARTS`."""
    layer: int | None
    """Counted from 1; None outside the layers."""
    parameters: int
    """Elements of its weights."""
    bytes: int
    """Its weights in the type that is stored."""
    paper_flops: int
    """FLOPs a row by the paper's definition."""
    executed_flops: int
    """FLOPs a row as the graph executes them."""
    milliseconds: float
    """A row; by TensorFlow's profiler, in the graph that is served."""


@dataclass(frozen=True)
class StepTime(Record):
    """The check of a profile: one call of the stack, alone."""

    step: str
    """`start`, `layer` or `classify`."""
    layer: int | None
    """Counted from 1; None for `start`."""
    milliseconds: float
    """A row; by the clock, in a graph of its own."""


@dataclass(frozen=True)
class Profile(Record):
    """Costs of every part of every layer; every row goes through all layers and branches."""

    config: FastBertConfig
    """The model's shape."""
    batch_size: int
    """Rows a call."""
    length: int
    """Tokens a row, all of them real."""
    parts: tuple[PartCost, ...]
    """In the order of the model."""
    idle_ms: float
    """Milliseconds a row of a profiled call in which no operation ran: the executor's and Python's own time."""
    whole_ms: float
    """Milliseconds a row of a call without the profiler, by the clock."""
    steps: tuple[StepTime, ...]
    """The stack's calls, each alone."""
    repeats: int
    """Calls that were timed; every time is a median."""
    machine: str
    """Processors, accelerators and TensorFlow version."""
    intra_op_threads: int
    """Threads of an operation; 0 is one a processor."""
    inter_op_threads: int
    """Operations at a time; 0 is one a processor."""

    def __post_init__(self) -> None:
        if isinstance(self.config, dict):
            object.__setattr__(self, "config", FastBertConfig.from_dict(self.config))
        for field, kind in (("parts", PartCost), ("steps", StepTime)):
            items = (kind.from_dict(item) if isinstance(item, dict) else item for item in getattr(self, field))
            object.__setattr__(self, field, tuple(items))

    @property
    def total(self) -> PartCost:
        """All parts together."""
        return self.sum_of("total")

    def sum_of(self, name: str, *parts: str, layer: int | None = None) -> PartCost:
        """Adds costs up.

        Args:
            name: what to call the sum.
            *parts: those to add; none adds all.
            layer: the one layer to add, counted from 1; None adds all and what lies outside.
        """
        chosen = [
            cost for cost in self.parts if (not parts or cost.part in parts) and (layer is None or cost.layer == layer)
        ]
        return PartCost(
            name,
            layer,
            sum(cost.parameters for cost in chosen),
            sum(cost.bytes for cost in chosen),
            sum(cost.paper_flops for cost in chosen),
            sum(cost.executed_flops for cost in chosen),
            sum(cost.milliseconds for cost in chosen),
        )

    def alone_ms(self, step: str, layer: int | None = None) -> float:
        """Returns the clock's milliseconds a row of one of the stack's calls."""
        return next(time.milliseconds for time in self.steps if (time.step, time.layer) == (step, layer))

    def to_dict(self) -> dict[str, Any]:
        """Returns the results as plain JSON types, with a `schema_version`."""
        return {"schema_version": SCHEMA_VERSION, **super().to_dict()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Profile:
        """Builds the profile from what `to_dict` returned, also after a trip through JSON.

        Raises:
            ValueError: another schema version wrote the values, or a field is unknown or missing.
        """
        return super().from_dict(check_schema_version("the profile", values))
