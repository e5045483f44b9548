"""What the load controller sees and does."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Reason(str, Enum):
    """Why the speed is what it is."""

    REST = "rest"
    """The load fits at the speed without load."""
    LOAD = "load"
    """The load needs this speed."""
    QUEUE = "queue"
    """Work has piled up and must be worked off."""
    HOLD = "hold"
    """The load has fallen; the speed follows when it stays low."""
    LIMIT = "limit"
    """The load needs more than the highest speed that the lowest accuracy allows."""


@dataclass(frozen=True)
class ControlState:
    """A moment of a `LoadController`."""

    speed: float
    """The speed in force for calls that bring none."""
    reason: Reason
    """Why."""
    arrival_rate: float
    """Rows that arrive a second."""
    utilisation: float
    """Work that arrives over what the server can do, at the speed in force; above 1 the queue grows."""
    queue_seconds: float
    """Time to finish what is in flight."""
    p99_seconds: float
    """99th percentile of the answers of the last seconds; 0 before the first."""
    target_p99_seconds: float
    """Where it shall stay."""
    lowest_speed: float
    """The speed without load."""
    highest_speed: float
    """The highest that the lowest accuracy allows."""
    demand: float = 0.0
    """What the utilisation would be at the speed without load: how many such servers the load asks for."""
