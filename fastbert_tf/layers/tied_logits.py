"""Logits over a vocabulary, tied to its embedding table."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="fastbert_tf")
class TiedLogits(keras.layers.Layer):
    """Scalar products with the rows of an embedding table, plus a bias (the output of Devlin et al., 2019).

    The table belongs to somebody else and comes with every call; the bias is the only weight.

    Args:
        vocabulary_size: rows of the table.
    """

    def __init__(self, vocabulary_size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.vocabulary_size = vocabulary_size

    def build(self, hidden_shape: Any = None, table_shape: Any = None) -> None:
        self.bias = self.add_weight(shape=(self.vocabulary_size,), initializer="zeros", name="bias")
        self.built = True

    def call(self, hidden: Any, table: Any) -> Any:
        """Scores every entry of the vocabulary.

        Args:
            hidden: (places, width).
            table: (vocabulary_size, width).

        Returns:
            Float32 logits (places, vocabulary_size).
        """
        products = ops.matmul(hidden, ops.transpose(table))  # (places, vocabulary)
        return ops.cast(products, "float32") + ops.cast(self.bias, "float32")

    def compute_output_shape(self, hidden_shape: Any, table_shape: Any = None) -> tuple:
        return (*hidden_shape[:-1], self.vocabulary_size)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "vocabulary_size": self.vocabulary_size}
