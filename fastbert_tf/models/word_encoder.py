"""An encoder that answers word by word, whatever vocabulary cuts its words."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from fastbert_tf.config import BackboneConfig
from fastbert_tf.models.backbone import Backbone


@keras.saving.register_keras_serializable(package="fastbert_tf")
class WordEncoder(keras.Model):
    """Means of an encoder's hidden states over the pieces of each word, so that models of two vocabularies compare.

    Input: a dict of `token_ids`, int (batch, sequence), `word_numbers`, int (batch, sequence): the number of each
    piece's word, from 1, and 0 on padding; and `word_mask`, int (batch, words), 1 for the words that a row has.
    Output: a list of `num_layers` + 1 arrays (batch, words + 1, units), for the embeddings' output and every layer:
    the mean state of word 1, 2, ... and, in the last place, of the whole row.

    Args:
        backbone: the encoder; its weights are shared, not copied.
        lifted_dim: units of another model's states, to which a dense layer for each output lifts these; None: no lift.
    """

    def __init__(
        self, backbone: Backbone, lifted_dim: int | None = None, name: str = "word_encoder", **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.backbone = backbone
        self.lifted_dim = lifted_dim
        self.lifts: list[keras.layers.Dense] = []
        if lifted_dim is not None:
            dtype = backbone.embeddings.dtype_policy
            levels = range(backbone.config.num_layers + 1)
            self.lifts = [keras.layers.Dense(lifted_dim, dtype=dtype, name=f"lift_{level}") for level in levels]
            for lift in self.lifts:
                lift.build((None, backbone.config.hidden_dim))
        self.built = True

    @property
    def config(self) -> BackboneConfig:
        """The backbone's shape."""
        return self.backbone.config

    def call(self, inputs: dict[str, Any], training: bool | None = None) -> list[Any]:
        ids, numbers = inputs["token_ids"], inputs["word_numbers"]
        padding_mask = ops.cast(numbers > 0, "int32")
        hidden = self.backbone.embeddings(ids, ops.zeros_like(ids), training=training)
        states = [hidden]
        for block in self.backbone.blocks:
            hidden = block(hidden, padding_mask, training=training)
            states.append(hidden)
        shares = ops.cast(word_shares(numbers, inputs["word_mask"]), hidden.dtype)
        means = [ops.matmul(shares, state) for state in states]  # each (batch, words + 1, hidden)
        return [lift(mean) for lift, mean in zip(self.lifts, means, strict=True)] if self.lifts else means

    def get_config(self) -> dict[str, Any]:
        backbone = keras.saving.serialize_keras_object(self.backbone)
        return {"name": self.name, "backbone": backbone, "lifted_dim": self.lifted_dim}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> WordEncoder:
        backbone = keras.saving.deserialize_keras_object(config["backbone"], custom_objects)
        return cls(**{**config, "backbone": backbone})


def word_shares(word_numbers: Any, word_mask: Any) -> Any:
    """Returns the weight of each piece in the mean of each word, and of the whole row.

    Args:
        word_numbers: int (batch, sequence), from 1; 0 on padding.
        word_mask: (batch, words); only its length counts.

    Returns:
        Float32 (batch, words + 1, sequence); the last place is the row's. Words that a row lacks are 0.
    """
    asked = ops.arange(1, ops.shape(word_mask)[1] + 1, dtype="int32")
    belongs = ops.cast(word_numbers, "int32")[:, None, :] == asked[None, :, None]  # (batch, words, sequence)
    in_row = (word_numbers > 0)[:, None, :]
    shares = ops.cast(ops.concatenate([belongs, in_row], axis=1), "float32")
    return shares / ops.maximum(ops.sum(shares, axis=-1, keepdims=True), 1.0)
