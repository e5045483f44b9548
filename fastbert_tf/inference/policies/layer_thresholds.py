"""A threshold of its own for every layer, around another policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from fastbert_tf.inference.policies.exit_policy import ExitPolicy, register_policy
from fastbert_tf.inference.policies.normalized_entropy import NormalizedEntropy

_LARGEST = float(np.finfo(np.float32).max)
_MIDDLE = 0.5
_BELOW_MIDDLE, _BELOW_1 = (float(np.nextafter(np.float32(value), np.float32(0))) for value in (_MIDDLE, 1))


@register_policy
@dataclass(frozen=True)
class LayerThresholds(ExitPolicy):
    """At speed 0.5 a row leaves where another policy's doubt is below the layer's threshold, exactly.

    Doubt is d / (d + threshold): other speeds move all layers together, each threshold by the factor
    speed / (1 - speed). So the middle of the dial is what was calibrated, and it can still be turned, row by row.
    At speed 1 every row leaves at the first exit whose threshold is above 0.

    Raises:
        ValueError: a threshold is negative or no finite number, or there is none.
    """

    policy: ExitPolicy
    """The policy that doubts."""
    thresholds: tuple[float, ...]
    """For each layer but the last, also where the branch is off, rounded to float32; 0: no row leaves there, at any
    speed."""

    name = "layer_thresholds"

    def __post_init__(self) -> None:
        if isinstance(self.policy, dict):
            object.__setattr__(self, "policy", ExitPolicy.from_dict(self.policy))
        if not isinstance(self.policy, ExitPolicy):
            raise ValueError(f"policy must be an exit policy, but is {self.policy!r}")
        numbers = isinstance(self.thresholds, (list, tuple)) and all(
            isinstance(one, (int, float)) and not isinstance(one, bool) for one in self.thresholds
        )
        if not numbers or not self.thresholds or not all(0 <= one <= _LARGEST for one in self.thresholds):
            raise ValueError(
                f"thresholds must be finite numbers of at least 0, one a layer but the last, but are {self.thresholds}"
            )
        object.__setattr__(self, "thresholds", tuple(map(_float32, self.thresholds)))

    @classmethod
    def default(cls, num_layers: int) -> LayerThresholds:
        return cls(NormalizedEntropy(), (0.5,) * max(num_layers - 1, 1))

    @property
    def memory(self) -> int:
        return self.policy.memory

    def check(self, num_layers: int) -> LayerThresholds:
        if len(self.thresholds) != num_layers - 1:
            raise ValueError(
                f"thresholds must be {num_layers - 1}, one a layer but the last, but are {len(self.thresholds)}; "
                "take those of a model with as many layers"
            )
        self.policy.check(num_layers)
        return self

    def doubt(self, said: Sequence[Any], layer: int) -> Any:
        inner = self.policy.doubt(said, layer)
        threshold = self.thresholds[layer - 1]
        if threshold == 0:
            return ops.ones_like(inner)
        share = inner / (inner + threshold)
        # Rounding could carry a doubt to 1, or across the middle, where the comparison is that with the threshold.
        return ops.where(inner < threshold, ops.minimum(share, _BELOW_MIDDLE), ops.clip(share, _MIDDLE, _BELOW_1))


def _float32(value: float) -> float:
    """Doubts are float32, too: so the comparison is exact."""
    return float(np.float32(value))
