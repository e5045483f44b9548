"""Where a masked language model predicts."""

from __future__ import annotations

import math
from typing import Any

from keras import ops

DEVIATIONS = 5
"""How many standard deviations more places than expected find room."""


def predicted_places(labels: Any, share: float) -> tuple[Any, Any]:
    """Gathers the predicted places of a batch, so that the vocabulary is computed there alone.

    The number of places is fixed by the batch's shape, as compiled graphs need it: what is expected and five standard
    deviations more. Places beyond it are left out, which `unpredicted` counts; the rest is filled up.

    Args:
        labels: int (batch, sequence), -1 where nothing is predicted.
        share: expected predicted places over all positions, in [0, 1].

    Returns:
        Places, int (places,), as row x sequence + column, and their labels, int (places,), -1 for filling.
    """
    flat = ops.reshape(labels, (-1,))  # (batch x sequence,)
    count = _room(ops.shape(flat)[0], share)
    _, places = ops.top_k(ops.cast(flat >= 0, "int32"), count)  # among equals the first come first
    return places, ops.take(flat, places)


def unpredicted(labels: Any, targets: Any) -> Any:
    """Returns how many places of `labels` found no room among `targets`, a float32 scalar."""
    return ops.cast(number_of(labels) - number_of(targets), "float32")


def number_of(labels: Any) -> Any:
    """Returns how many labels are predicted, an int32 scalar."""
    return ops.sum(ops.cast(labels >= 0, "int32"))


def _room(positions: Any, share: float) -> Any:
    if isinstance(positions, int):
        return max(1, min(positions, math.ceil(positions * share + DEVIATIONS * math.sqrt(positions * share))))
    expected = ops.cast(positions, "float32") * share  # a shape that is known only when the graph runs
    room = ops.cast(ops.ceil(expected + DEVIATIONS * ops.sqrt(expected)), "int32")
    return ops.maximum(1, ops.minimum(positions, room))
