"""Branch classifiers over packed tokens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from fastbert_tf.inference.packed.dense import Dense
from fastbert_tf.inference.packed.layout import Layout
from fastbert_tf.inference.packed.weights import folded_branch
from fastbert_tf.layers import BranchClassifier

Transform = Callable[[tf.Tensor], tf.Tensor]


@dataclass(frozen=True)
class Branch:
    """The branch classifier (FastBERT, section 3.1), with its projections folded: the same numbers with less work.

    Only `narrow` is computed for every token. See `FoldedBranch` for the rest.
    """

    num_heads: int
    """Attention heads."""
    narrow: Transform
    """(tokens, hidden) to (tokens, branch), with tanh."""
    query: Transform
    """float32 (rows, branch) to (rows, heads * branch)."""
    pooler: Transform
    """float32 (rows, heads * branch) to (rows, branch), with tanh."""
    classifier: Transform
    """float32 (rows, branch) to logits (rows, classes)."""

    @property
    def variables(self) -> list[Any]:
        """The Keras variables that the branch reads."""
        return getattr(self.narrow, "variables", [])

    def __call__(self, hidden: tf.Tensor, layout: Layout) -> tf.Tensor:
        """Classifies rows.

        Args:
            hidden: packed hidden states (tokens, hidden).
            layout: where the tokens are.

        Returns:
            float32 probabilities (rows, classes).
        """
        narrow = tf.cast(self.narrow(hidden), tf.float32)  # (tokens, branch)
        width = narrow.shape[-1]
        query = tf.reshape(self.query(tf.gather(narrow, layout.row_slots[:, 0])), [-1, self.num_heads, width])
        padded = tf.gather(narrow, layout.row_slots)  # (rows, longest, branch)
        scores = tf.matmul(query, padded, transpose_b=True) + layout.row_bias  # (rows, heads, longest)
        pooled = tf.matmul(tf.nn.softmax(scores), padded)  # (rows, heads, branch)
        return tf.nn.softmax(self.classifier(self.pooler(tf.reshape(pooled, [-1, self.num_heads * width]))))


def float_branch(trained: BranchClassifier, dtype: tf.DType, unit: float = 1.0) -> Branch:
    """Builds a branch in floating-point arithmetic.

    Args:
        trained: the layer whose weights are copied.
        dtype: `tf.float32` or `tf.bfloat16`, of the product over all tokens; the rest is float32.
        unit: what stands for 1 in hidden states; see `LayerNorm`.

    Returns:
        The branch.
    """
    folded = folded_branch(trained)
    narrow, classifier = trained.input_projection, trained.classifier
    return Branch(
        num_heads=trained.branch_heads,
        narrow=Dense(np.asarray(narrow.kernel) / unit, np.asarray(narrow.bias), dtype, tf.tanh, dtype == tf.float32),
        query=Dense(folded.query, folded.query_bias),
        pooler=Dense(folded.pooler, folded.pooler_bias, activation=tf.tanh),
        classifier=Dense(np.asarray(classifier.kernel), np.asarray(classifier.bias)),
    )
