"""Exit by the probability of the likeliest class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from keras import ops

from fastbert_tf.inference.policies.exit_policy import ExitPolicy, register_policy


@register_policy
@dataclass(frozen=True)
class MaximumProbability(ExitPolicy):
    """Doubt is what the likeliest class lacks of probability 1, over what it lacks where all classes are alike."""

    name = "maximum_probability"

    def doubt(self, said: Sequence[Any], layer: int) -> Any:
        p = ops.cast(said[-1], "float32")  # (rows, classes)
        classes = p.shape[-1]
        return ops.clip((1 - ops.max(p, axis=-1)) * (classes / (classes - 1)), 0.0, 1.0)
