"""Exit by a learned estimate of being wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from keras import ops

from fastbert_tf.inference.policies.agreement import agree, change
from fastbert_tf.inference.policies.exit_policy import ExitPolicy, register_policy
from fastbert_tf.inference.policies.margin import Margin
from fastbert_tf.inference.policies.maximum_probability import MaximumProbability
from fastbert_tf.inference.uncertainty import normalized_entropy

FEATURES = ("normalized_entropy", "maximum_probability", "margin", "disagreement", "change")
"""What the regressors read: three kinds of doubt, and two of how the answer differs from that of the branch before."""


@register_policy
@dataclass(frozen=True)
class LearnedExit(ExitPolicy):
    """Doubt is the probability that the newest answer is wrong, by a logistic regression a layer on `FEATURES`.

    The idea is BERxiT's learning to exit (Xin et al., 2021), whose module reads hidden states; this one reads answers
    alone, so that any stack can run it. `fit_learned_exit` makes it. Since few answers are wrong, its useful speeds are
    low: speed 0.1 accepts answers that are wrong once in ten times, at most.

    Raises:
        ValueError: weights are no table of finite numbers, `FEATURES` and 1 a layer.
    """

    weights: tuple[tuple[float, ...], ...]
    """(layers but the last, 1 + features): bias and weights, for features as they are."""

    name = "learned_exit"

    def __post_init__(self) -> None:
        if not _is_table(self.weights):
            raise ValueError(
                f"weights must be {1 + len(FEATURES)} finite numbers for each layer but the last, but are "
                f"{self.weights!r}; take what fit_learned_exit returned"
            )
        object.__setattr__(self, "weights", tuple(tuple(map(float, row)) for row in self.weights))

    @property
    def memory(self) -> int:
        return 1

    def check(self, num_layers: int) -> LearnedExit:
        if len(self.weights) != num_layers - 1:
            raise ValueError(
                f"weights must be of {num_layers - 1} layers, all but the last, but are of {len(self.weights)}; "
                "fit the policy to this model"
            )
        return self

    def doubt(self, said: Sequence[Any], layer: int) -> Any:
        bias, *weights = self.weights[layer - 1]
        weight = ops.convert_to_tensor(weights, "float32")
        return ops.sigmoid(ops.sum(exit_features(said) * weight, axis=-1) + bias)


def exit_features(said: Sequence[Any]) -> Any:
    """Describes the newest answers to a regressor.

    Args:
        said: the branches' probabilities, each float (rows, classes), the newest last. A first answer differs from
            nothing: its last two features are 0.

    Returns:
        float32 (rows, features), in [0, 1], in the order of `FEATURES`.
    """
    newest, before = said[-1], said[-2] if len(said) > 1 else said[-1]
    return ops.stack(
        [
            normalized_entropy(newest),
            MaximumProbability().doubt([newest], 1),
            Margin().doubt([newest], 1),
            1 - ops.cast(agree(newest, before), "float32"),
            change(newest, before),
        ],
        axis=-1,
    )


def _is_table(weights: Any) -> bool:
    return (
        isinstance(weights, (list, tuple))
        and len(weights) > 0
        and all(isinstance(row, (list, tuple)) and len(row) == 1 + len(FEATURES) for row in weights)
        and all(
            isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
            for row in weights
            for value in row
        )
    )
