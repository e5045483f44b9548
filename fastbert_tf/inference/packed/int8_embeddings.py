"""Embeddings of packed tokens from int8 tables."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from fastbert_tf.inference.packed.int8_coding import Coding
from fastbert_tf.inference.packed.int8_norm import CodedNorm, Hidden
from fastbert_tf.inference.packed.int8_weights import LARGEST
from fastbert_tf.layers import BertEmbeddings


class Int8Embeddings:
    """Sum of token, position and segment embeddings, normalised and coded; every row of a table has its own scale.

    Args:
        trained: the layer whose weights are copied.
        coding: of the result.
    """

    def __init__(self, trained: BertEmbeddings, coding: Coding) -> None:
        positions, segments = (
            np.asarray(table.embeddings) for table in (trained.position_embedding, trained.segment_embedding)
        )
        pairs = positions[:, None] + segments  # (positions, segments, hidden)
        self._num_segments = trained.num_segments
        self._tokens = _Int8Table(np.asarray(trained.token_embedding.embeddings), "token_embedding")
        self._pairs = _Int8Table(pairs.reshape(-1, trained.hidden_dim), "position_and_segment_embedding")
        self._norm = CodedNorm(trained.layer_norm, 1.0, coding)
        self.variables: list[Any] = [*self._tokens.variables, *self._pairs.variables]

    def __call__(self, token_ids: tf.Tensor, positions: tf.Tensor, segment_ids: tf.Tensor) -> Hidden:
        """Embeds packed tokens, int32 (tokens,) each."""
        return self._norm(self._tokens(token_ids) + self._pairs(positions * self._num_segments + segment_ids))


class _Int8Table:
    """Rows (entries, hidden) as int8, a scale each."""

    def __init__(self, rows: np.ndarray, name: str) -> None:
        scale = np.maximum(np.abs(rows).max(axis=1, keepdims=True), np.finfo(np.float32).tiny * LARGEST) / LARGEST
        self._rows = _variable(np.rint(rows / scale), "int8", name)
        self._scale = _variable(scale, "float32", f"{name}_scale")
        self.variables = [self._rows, self._scale]

    def __call__(self, entries: tf.Tensor) -> tf.Tensor:
        rows = tf.cast(tf.gather(self._rows.value, entries), tf.float32)
        return rows * tf.gather(self._scale.value, entries)  # (tokens, hidden)


def _variable(values: np.ndarray, dtype: str, name: str) -> keras.Variable:
    return keras.Variable(values.astype(dtype), dtype=dtype, trainable=False, name=name)
