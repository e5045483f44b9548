"""Exit by the distance between the two likeliest classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from keras import ops

from fastbert_tf.inference.policies.exit_policy import ExitPolicy, register_policy


@register_policy
@dataclass(frozen=True)
class Margin(ExitPolicy):
    """Doubt is 1 minus the difference between the two largest probabilities: 0 is certain, 1 is a tie."""

    name = "margin"

    def doubt(self, said: Sequence[Any], layer: int) -> Any:
        largest, _ = ops.top_k(ops.cast(said[-1], "float32"), 2)  # (rows, 2)
        return 1 - (largest[:, 0] - largest[:, 1])
