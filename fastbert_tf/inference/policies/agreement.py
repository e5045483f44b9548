"""What an answer has in common with the one before."""

from __future__ import annotations

from typing import Any

from keras import ops


def agree(newest: Any, before: Any) -> Any:
    """Returns whether two branches' answers (rows, classes) name the same class, bool (rows,)."""
    return ops.equal(ops.argmax(newest, axis=-1), ops.argmax(before, axis=-1))


def change(newest: Any, before: Any) -> Any:
    """Returns the total variation distance of two branches' answers (rows, classes), float32 (rows,), in [0, 1]."""
    difference = ops.cast(newest, "float32") - ops.cast(before, "float32")
    return ops.minimum(0.5 * ops.sum(ops.abs(difference), axis=-1), 1.0)
