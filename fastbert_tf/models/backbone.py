"""The BERT encoder as a Keras model."""

from __future__ import annotations

from typing import Any

import keras

from fastbert_tf.config import BackboneConfig
from fastbert_tf.layers import BertEmbeddings, EncoderBlock


@keras.saving.register_keras_serializable(package="fastbert_tf")
class Backbone(keras.Model):
    """BERT encoder that returns the hidden states of every layer (Devlin et al., 2019; FastBERT, eq. 1-2).

    Input: a dict of `token_ids`, `segment_ids` and `padding_mask` (1 for real tokens), each int (batch, sequence).
    Output: a list of `num_layers` hidden states, each (batch, sequence, hidden_dim).

    Args:
        dtype: Keras dtype policy, such as `float32` or `mixed_bfloat16`; None takes the global policy.
        **config: the fields of `BackboneConfig`.

    Raises:
        ValueError: a field breaks its rule; the message names it.
    """

    def __init__(self, *, dtype: Any = None, name: str = "backbone", **config: Any) -> None:
        shape = BackboneConfig.from_dict(config)

        # === Layers ===
        embeddings = BertEmbeddings(
            vocabulary_size=shape.vocabulary_size,
            hidden_dim=shape.hidden_dim,
            max_sequence_length=shape.max_sequence_length,
            num_segments=shape.num_segments,
            dropout=shape.dropout,
            layer_norm_epsilon=shape.layer_norm_epsilon,
            dtype=dtype,
            name="embeddings",
        )
        blocks = [
            EncoderBlock(
                hidden_dim=shape.hidden_dim,
                num_heads=shape.num_heads,
                intermediate_dim=shape.intermediate_dim,
                dropout=shape.dropout,
                activation=shape.activation,
                layer_norm_epsilon=shape.layer_norm_epsilon,
                dtype=dtype,
                name=f"block_{i}",
            )
            for i in range(shape.num_layers)
        ]

        # === Functional model ===
        inputs = {
            key: keras.Input((None,), dtype="int32", name=key) for key in ("token_ids", "segment_ids", "padding_mask")
        }
        hidden = embeddings(inputs["token_ids"], inputs["segment_ids"])
        hidden_states = []
        for block in blocks:
            hidden = block(hidden, inputs["padding_mask"])
            hidden_states.append(hidden)
        super().__init__(inputs=inputs, outputs=hidden_states, name=name)

        # === Config ===
        self.config = shape
        self.embeddings = embeddings
        self.blocks = blocks

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None, **kwargs: Any) -> list[Any]:
        outputs = super().call(inputs, training=training, mask=mask, **kwargs)
        return outputs if isinstance(outputs, list) else [outputs]  # Keras unpacks a list of one

    def get_config(self) -> dict[str, Any]:
        dtype = keras.saving.serialize_keras_object(self.embeddings.dtype_policy)
        return {"name": self.name, "dtype": dtype, **self.config.to_dict()}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Backbone:
        return cls(**config)
