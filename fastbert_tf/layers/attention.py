"""Multi-head attention."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from fastbert_tf.layers.initializers import bert_initializer

MASKED_SCORE = -1e9  # large enough that a masked key's weight is exactly 0, finite so that no row becomes NaN


@keras.saving.register_keras_serializable(package="fastbert_tf")
class MultiHeadAttention(keras.layers.Layer):
    """Scaled dot-product attention with query, key, value and output projections (Vaswani et al., 2017).

    Args:
        hidden_dim: width of inputs and outputs, in units; must divide by `num_heads`.
        num_heads: attention heads.
        dropout: dropout rate on the attention weights, in [0, 1).
    """

    def __init__(self, hidden_dim: int, num_heads: int, dropout: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if hidden_dim % num_heads:
            raise ValueError(
                f"hidden_dim must be a multiple of num_heads, but {hidden_dim} / {num_heads} leaves a rest"
            )
        self.hidden_dim = hidden_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.head_dim = hidden_dim // num_heads

        def projection(name: str) -> keras.layers.Dense:
            return keras.layers.Dense(
                hidden_dim, kernel_initializer=bert_initializer(hidden_dim), dtype=self.dtype_policy, name=name
            )

        self.query = projection("query")
        self.key = projection("key")
        self.value = projection("value")
        self.output_projection = projection("output_projection")
        self.dropout_layer = keras.layers.Dropout(dropout, dtype=self.dtype_policy, name="dropout")

    def build(self, query_shape: Any, context_shape: Any = None, padding_mask_shape: Any = None) -> None:
        for projection in (self.query, self.key, self.value, self.output_projection):
            projection.build((*query_shape[:-1], self.hidden_dim))
        self.built = True

    def call(self, query: Any, context: Any, padding_mask: Any, training: bool | None = None) -> Any:
        """Attends from every query position to the context's real tokens.

        Args:
            query: (batch, queries, hidden_dim).
            context: (batch, keys, hidden_dim), read for keys and values.
            padding_mask: int (batch, keys), 1 for real tokens, 0 for padding.
            training: whether dropout acts.

        Returns:
            (batch, queries, hidden_dim).
        """
        return self.output_projection(self.pool(query, context, padding_mask, training))

    def pool(self, query: Any, context: Any, padding_mask: Any, training: bool | None = None) -> Any:
        """Returns what the heads found, side by side (batch, queries, hidden_dim), before the output projection."""
        q = self._split_heads(self.query(query))  # (batch, heads, query, head_dim)
        k = self._split_heads(self.key(context))  # (batch, heads, key, head_dim)
        v = self._split_heads(self.value(context))
        scores = ops.matmul(q * self.head_dim**-0.5, ops.swapaxes(k, -1, -2))  # (batch, heads, query, key)
        bias = (1.0 - ops.cast(padding_mask, scores.dtype)) * MASKED_SCORE  # (batch, key)
        weights = ops.softmax(scores + bias[:, None, None, :])
        weights = self.dropout_layer(weights, training=training)
        pooled = ops.transpose(ops.matmul(weights, v), (0, 2, 1, 3))  # (batch, query, heads, head_dim)
        return ops.reshape(pooled, (-1, ops.shape(query)[1], self.hidden_dim))

    def _split_heads(self, x: Any) -> Any:
        split = ops.reshape(x, (-1, ops.shape(x)[1], self.num_heads, self.head_dim))
        return ops.transpose(split, (0, 2, 1, 3))  # (batch, heads, sequence, head_dim)

    def compute_output_shape(
        self, query_shape: Any, context_shape: Any = None, padding_mask_shape: Any = None
    ) -> tuple:
        return (*query_shape[:-1], self.hidden_dim)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "hidden_dim": self.hidden_dim,
            "num_heads": self.num_heads,
            "dropout": self.dropout,
        }
