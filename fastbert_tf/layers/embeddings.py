"""Token, position and segment embeddings."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from fastbert_tf.layers.initializers import bert_initializer


@keras.saving.register_keras_serializable(package="fastbert_tf")
class BertEmbeddings(keras.layers.Layer):
    """Sum of token, position and segment embeddings, normalised (FastBERT, eq. 1).

    Args:
        vocabulary_size: entries of the token vocabulary.
        hidden_dim: width of the embeddings, in units.
        max_sequence_length: learned positions; inputs may be shorter, never longer.
        num_segments: segment ids.
        dropout: dropout rate in [0, 1).
        layer_norm_epsilon: added to the variance.
    """

    def __init__(
        self,
        vocabulary_size: int,
        hidden_dim: int,
        max_sequence_length: int = 512,
        num_segments: int = 2,
        dropout: float = 0.1,
        layer_norm_epsilon: float = 1e-12,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.vocabulary_size = vocabulary_size
        self.hidden_dim = hidden_dim
        self.max_sequence_length = max_sequence_length
        self.num_segments = num_segments
        self.dropout = dropout
        self.layer_norm_epsilon = layer_norm_epsilon

        def table(size: int, name: str) -> keras.layers.Embedding:
            return keras.layers.Embedding(
                size,
                hidden_dim,
                embeddings_initializer=bert_initializer(hidden_dim),
                dtype=self.dtype_policy,
                name=name,
            )

        self.token_embedding = table(vocabulary_size, "token_embedding")
        self.position_embedding = table(max_sequence_length, "position_embedding")
        self.segment_embedding = table(num_segments, "segment_embedding")
        self.layer_norm = keras.layers.LayerNormalization(
            epsilon=layer_norm_epsilon, dtype=self.dtype_policy, name="layer_norm"
        )
        self.dropout_layer = keras.layers.Dropout(dropout, dtype=self.dtype_policy, name="dropout")

    def build(self, token_ids_shape: Any, segment_ids_shape: Any = None) -> None:
        for table in (self.token_embedding, self.position_embedding, self.segment_embedding):
            table.build(token_ids_shape)
        self.layer_norm.build((*token_ids_shape, self.hidden_dim))
        self.built = True

    def call(self, token_ids: Any, segment_ids: Any, training: bool | None = None) -> Any:
        """Embeds tokens.

        Args:
            token_ids: int (batch, sequence).
            segment_ids: int (batch, sequence).
            training: whether dropout acts.

        Returns:
            Hidden states (batch, sequence, hidden_dim).

        Raises:
            ValueError: the inputs are longer than `max_sequence_length`.
        """
        return self.complete(self.token_embedding(token_ids), segment_ids, training)

    def complete(self, tokens: Any, segment_ids: Any, training: bool | None = None) -> Any:
        """Adds positions and segments to token vectors that may come from elsewhere, and normalises.

        Args:
            tokens: token vectors (batch, sequence, hidden_dim).
            segment_ids: int (batch, sequence).
            training: whether dropout acts.

        Returns:
            Hidden states (batch, sequence, hidden_dim).

        Raises:
            ValueError: the inputs are longer than `max_sequence_length`.
        """
        length = tokens.shape[1]
        if length is not None and length > self.max_sequence_length:
            raise ValueError(
                f"inputs must have at most max_sequence_length = {self.max_sequence_length} tokens, but have {length}; "
                "cut them"
            )
        positions = ops.arange(ops.shape(tokens)[1])  # (sequence,)
        hidden = tokens + self.segment_embedding(segment_ids)
        hidden = hidden + self.position_embedding(positions)[None]  # (batch, sequence, hidden)
        return self.dropout_layer(self.layer_norm(hidden), training=training)

    def compute_output_shape(self, token_ids_shape: Any, segment_ids_shape: Any = None) -> tuple:
        return (*token_ids_shape, self.hidden_dim)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "hidden_dim": self.hidden_dim,
            "max_sequence_length": self.max_sequence_length,
            "num_segments": self.num_segments,
            "dropout": self.dropout,
            "layer_norm_epsilon": self.layer_norm_epsilon,
        }
