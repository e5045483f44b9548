"""How much of the targets' variance predictions leave unexplained."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


def unexplained_variance(targets: Any, predictions: Any, mask: Any) -> Any:
    """Returns sum |target - prediction|^2 / sum |target - mean target|^2, both over the vectors with mask 1.

    0 is a perfect copy, 1 what the targets' mean would get: losses of layers whose states differ in size compare.

    Args:
        targets: vectors (..., units).
        predictions: vectors (..., units).
        mask: (...), 1 for the vectors that count, 0 for the others.

    Returns:
        Float32 scalar, at least 0; 0 where the targets do not vary and are met.
    """
    targets, predictions = (ops.cast(values, "float32") for values in (targets, predictions))
    weights = ops.cast(mask, "float32")[..., None]  # (..., 1)
    axes = tuple(range(len(targets.shape) - 1))
    mean = ops.sum(targets * weights, axis=axes) / ops.maximum(ops.sum(weights), 1.0)  # (units,)
    varied = ops.sum(ops.square(targets - mean) * weights)
    return ops.sum(ops.square(targets - predictions) * weights) / ops.maximum(varied, keras.config.epsilon())
