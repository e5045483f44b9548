"""Uncertainty of a probability distribution."""

from __future__ import annotations

import math
from typing import Any

from keras import ops

_SMALLEST = 1e-30  # keeps p log p at 0 for p = 0


def normalized_entropy(probabilities: Any) -> Any:
    """Entropy over its largest possible value (FastBERT, eq. 7).

    Args:
        probabilities: (..., classes), at least 2 classes.

    Returns:
        float32 (...), in [0, 1]: 0 is certain, 1 is uniform.
    """
    p = ops.cast(probabilities, "float32")
    negative_entropy = ops.sum(p * ops.log(ops.maximum(p, _SMALLEST)), axis=-1)
    return ops.clip(negative_entropy * (-1 / math.log(p.shape[-1])), 0.0, 1.0)
