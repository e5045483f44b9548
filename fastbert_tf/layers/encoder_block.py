"""The BERT encoder block."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from fastbert_tf.config import ACTIVATIONS
from fastbert_tf.layers.attention import MultiHeadAttention
from fastbert_tf.layers.initializers import bert_initializer


@keras.saving.register_keras_serializable(package="fastbert_tf")
class EncoderBlock(keras.layers.Layer):
    """Self-attention and feed-forward, each with residual and *post*-layer-normalisation (FastBERT, eq. 2).

    Args:
        hidden_dim: width of the hidden states, in units.
        num_heads: attention heads.
        intermediate_dim: width of the feed-forward layer, in units.
        dropout: dropout rate in [0, 1).
        activation: `gelu` (exact) or `gelu_tanh` (the approximation).
        layer_norm_epsilon: added to the variance.

    Raises:
        ValueError: the activation is unknown, or `hidden_dim` does not divide by `num_heads`.
    """

    def __init__(
        self,
        hidden_dim: int,
        num_heads: int,
        intermediate_dim: int,
        dropout: float = 0.1,
        activation: str = "gelu",
        layer_norm_epsilon: float = 1e-12,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation must be one of {ACTIVATIONS}, but is {activation!r}")
        self.hidden_dim = hidden_dim
        self.num_heads = num_heads
        self.intermediate_dim = intermediate_dim
        self.dropout = dropout
        self.activation = activation
        self.layer_norm_epsilon = layer_norm_epsilon

        def norm(name: str) -> keras.layers.LayerNormalization:
            return keras.layers.LayerNormalization(epsilon=layer_norm_epsilon, dtype=self.dtype_policy, name=name)

        def dense(units: int, name: str) -> keras.layers.Dense:
            return keras.layers.Dense(
                units, kernel_initializer=bert_initializer(hidden_dim), dtype=self.dtype_policy, name=name
            )

        self.attention = MultiHeadAttention(hidden_dim, num_heads, dropout, dtype=self.dtype_policy, name="attention")
        self.attention_norm = norm("attention_norm")
        self.intermediate = dense(intermediate_dim, "intermediate")
        self.output_projection = dense(hidden_dim, "output_projection")
        self.output_norm = norm("output_norm")
        self.dropout_layer = keras.layers.Dropout(dropout, dtype=self.dtype_policy, name="dropout")

    def build(self, hidden_shape: Any, padding_mask_shape: Any = None) -> None:
        self.attention.build(hidden_shape)
        self.attention_norm.build(hidden_shape)
        self.intermediate.build(hidden_shape)
        self.output_projection.build((*hidden_shape[:-1], self.intermediate_dim))
        self.output_norm.build(hidden_shape)
        self.built = True

    def call(self, hidden: Any, padding_mask: Any, training: bool | None = None) -> Any:
        """Transforms hidden states.

        Args:
            hidden: (batch, sequence, hidden_dim).
            padding_mask: int (batch, sequence), 1 for real tokens.
            training: whether dropout acts.

        Returns:
            (batch, sequence, hidden_dim).
        """
        attended = self.attention(hidden, hidden, padding_mask, training=training)
        hidden = self.attention_norm(hidden + self.dropout_layer(attended, training=training))
        inner = ops.gelu(self.intermediate(hidden), approximate=self.activation == "gelu_tanh")
        outer = self.output_projection(inner)  # (batch, sequence, hidden)
        return self.output_norm(hidden + self.dropout_layer(outer, training=training))

    def compute_output_shape(self, hidden_shape: Any, padding_mask_shape: Any = None) -> tuple:
        return tuple(hidden_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "hidden_dim": self.hidden_dim,
            "num_heads": self.num_heads,
            "intermediate_dim": self.intermediate_dim,
            "dropout": self.dropout,
            "activation": self.activation,
            "layer_norm_epsilon": self.layer_norm_epsilon,
        }
