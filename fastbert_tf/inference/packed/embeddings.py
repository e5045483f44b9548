"""Embeddings of packed tokens."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from fastbert_tf.inference.packed.layer_norm import LayerNorm
from fastbert_tf.layers import BertEmbeddings


class Embeddings:
    """Sum of token, position and segment embeddings, normalised.

    Args:
        trained: the layer whose weights are copied.
        dtype: TensorFlow type of the tables and of the result.
        unit: what stands for 1 in tables and result; see `LayerNorm`.
    """

    def __init__(self, trained: BertEmbeddings, dtype: tf.DType = tf.float32, unit: float = 1.0) -> None:
        tokens, positions, segments = (
            unit * np.asarray(table.embeddings)
            for table in (trained.token_embedding, trained.position_embedding, trained.segment_embedding)
        )
        # One table of all pairs of position and segment: one gather less.
        pairs = (positions[:, None] + segments).reshape(-1, trained.hidden_dim)  # (positions * segments, hidden)
        self._num_segments = trained.num_segments
        self._tokens = _table(tokens, dtype, "token_embedding")
        self._pairs = _table(pairs, dtype, "position_and_segment_embedding")
        gamma, beta = np.asarray(trained.layer_norm.gamma), np.asarray(trained.layer_norm.beta)
        self._norm = LayerNorm(unit * gamma, unit * beta, unit**2 * trained.layer_norm_epsilon, dtype)
        self.variables: list[Any] = [self._tokens, self._pairs]

    def __call__(self, token_ids: tf.Tensor, positions: tf.Tensor, segment_ids: tf.Tensor) -> tf.Tensor:
        """Embeds packed tokens: int32 (tokens,) each to (tokens, hidden)."""
        pair = positions * self._num_segments + segment_ids
        return self._norm(tf.gather(self._tokens.value, token_ids) + tf.gather(self._pairs.value, pair))


def _table(values: np.ndarray, dtype: tf.DType, name: str) -> keras.Variable:
    return keras.Variable(values, dtype=dtype.name, trainable=False, name=name)
