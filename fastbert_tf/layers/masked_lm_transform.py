"""The part of BERT's masked-language-model head before the vocabulary."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from fastbert_tf.config import ACTIVATIONS
from fastbert_tf.layers.initializers import bert_initializer


@keras.saving.register_keras_serializable(package="fastbert_tf")
class MaskedLmTransform(keras.layers.Layer):
    """Dense, GELU and layer normalisation at the predicted places (Devlin et al., 2019).

    Args:
        hidden_dim: width of inputs and outputs, in units.
        activation: `gelu` (exact) or `gelu_tanh` (the approximation).
        layer_norm_epsilon: added to the variance.

    Raises:
        ValueError: the activation is unknown.
    """

    def __init__(
        self, hidden_dim: int, activation: str = "gelu", layer_norm_epsilon: float = 1e-12, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation must be one of {ACTIVATIONS}, but is {activation!r}")
        self.hidden_dim = hidden_dim
        self.activation = activation
        self.layer_norm_epsilon = layer_norm_epsilon
        self.dense = keras.layers.Dense(
            hidden_dim, kernel_initializer=bert_initializer(hidden_dim), dtype=self.dtype_policy, name="dense"
        )
        self.layer_norm = keras.layers.LayerNormalization(
            epsilon=layer_norm_epsilon, dtype=self.dtype_policy, name="layer_norm"
        )

    def build(self, hidden_shape: Any) -> None:
        self.dense.build(hidden_shape)
        self.layer_norm.build(hidden_shape)
        self.built = True

    def call(self, hidden: Any) -> Any:
        """Transforms hidden states (places, hidden_dim) into vectors that are compared with the vocabulary's."""
        return self.layer_norm(ops.gelu(self.dense(hidden), approximate=self.activation == "gelu_tanh"))

    def compute_output_shape(self, hidden_shape: Any) -> tuple:
        return tuple(hidden_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "hidden_dim": self.hidden_dim,
            "activation": self.activation,
            "layer_norm_epsilon": self.layer_norm_epsilon,
        }
