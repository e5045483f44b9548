"""A model's answer to one text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """What the model says of one row."""

    label: str
    """The most probable label."""
    label_id: int
    """Its number."""
    probabilities: tuple[float, ...]
    """Probabilities of all labels, in label order."""
    exit_layer: int
    """The layer that answered, counted from 1."""
    uncertainty: float
    """Normalised entropy of the probabilities, in [0, 1]."""
