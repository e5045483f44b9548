"""Every exit policy, and a stack that says what it is told: part of the registry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from registry import CLASSES, DEPTH

from fastbert_tf import inference


@dataclass(frozen=True)
class PolicyCase:
    """An exit policy.

    Attributes:
        cls: the class.
        make: returns one for `DEPTH` layers.
        passes: exits at which no row leaves, since too little was said before.
    """

    cls: type
    make: Callable[[], Any]
    passes: int = 0


WEIGHTS = ((-2.0, 1.0, 2.0, 1.0, 0.0, 0.0), (-3.0, 1.0, 1.0, 1.0, 2.0, 1.0))  # bias and features, for each layer

POLICIES = [
    PolicyCase(inference.NormalizedEntropy, inference.NormalizedEntropy),  # the default: it runs with every stack
    PolicyCase(inference.MaximumProbability, inference.MaximumProbability),
    PolicyCase(inference.Margin, inference.Margin),
    PolicyCase(inference.Patience, lambda: inference.Patience(DEPTH - 1), passes=1),
    PolicyCase(inference.AgreementEntropy, inference.AgreementEntropy),
    PolicyCase(inference.LayerThresholds, lambda: inference.LayerThresholds(inference.AgreementEntropy(), (0.3, 0.8))),
    PolicyCase(inference.LearnedExit, lambda: inference.LearnedExit(WEIGHTS)),
]


def branch_probabilities(rows: int = 200) -> np.ndarray:
    """Float32 (rows, layers, classes): rows from nearly certain to nearly uniform."""
    rng = np.random.default_rng(4)
    logits = rng.normal(size=(rows, DEPTH, CLASSES)) * np.linspace(0.1, 8, rows)[:, None, None]
    exponentials = np.exp(logits - logits.max(-1, keepdims=True))
    return (exponentials / exponentials.sum(-1, keepdims=True)).astype(np.float32)


def said_until(probabilities: np.ndarray, exit: int) -> list[np.ndarray]:
    """What a policy hears at an exit, counted from 0: each (rows, classes), the newest last."""
    return [probabilities[:, number] for number in range(exit + 1)]


class ScriptedStack:
    """Costs nothing: the branches of a row say what a table holds for its first token id.

    Args:
        table: float32 (scripts, layers, classes).
    """

    def __init__(self, table: np.ndarray) -> None:
        self._table = table
        _, self.num_layers, self.num_classes = table.shape

    def start(self, inputs: dict[str, tf.Tensor]) -> tf.Tensor:
        return tf.gather(self._table, inputs["token_ids"][:, 0])  # (rows, layers, classes)

    def layer(self, index: int, state: tf.Tensor) -> tf.Tensor:
        return state

    def classify(self, index: int, state: tf.Tensor) -> tf.Tensor:
        return state[:, index]

    def keep(self, state: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
        return tf.gather(state, rows)
