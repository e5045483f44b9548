"""A BERT encoder with its masked-language-model head."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from fastbert_tf.config import BackboneConfig
from fastbert_tf.layers import MaskedLmTransform, TiedLogits
from fastbert_tf.models.backbone import Backbone


@keras.saving.register_keras_serializable(package="fastbert_tf")
class MaskedLm(keras.Model):
    """Backbone and head; the output is tied to the backbone's token embeddings (Devlin et al., 2019).

    Input: a dict of `token_ids` and `padding_mask` (1 for real tokens), each int (batch, sequence), and `places`, int
    (places,): where to predict, as row x sequence + column. The vocabulary is computed there and nowhere else.
    Output: float32 logits (places, vocabulary_size).

    Args:
        backbone: the encoder; its weights are shared, not copied.
    """

    def __init__(self, backbone: Backbone, name: str = "masked_lm", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        shape, dtype = backbone.config, backbone.embeddings.dtype_policy
        self.backbone = backbone
        self.transform = MaskedLmTransform(
            shape.hidden_dim, shape.activation, shape.layer_norm_epsilon, dtype=dtype, name="transform"
        )
        self.output_logits = TiedLogits(shape.vocabulary_size, dtype=dtype, name="output_logits")
        self.transform.build((None, shape.hidden_dim))
        self.output_logits.build()
        self.built = True

    @property
    def config(self) -> BackboneConfig:
        """The backbone's shape, from which the head's follows."""
        return self.backbone.config

    @property
    def token_table(self) -> Any:
        """The token embeddings (vocabulary_size, hidden_dim)."""
        return self.backbone.embeddings.token_embedding.embeddings

    @property
    def head(self) -> list[keras.Layer]:
        """The layers that a pretrained encoder lacks."""
        return [self.transform, self.output_logits]

    def call(self, inputs: dict[str, Any], training: bool | None = None) -> Any:
        ids, mask = inputs["token_ids"], inputs["padding_mask"]
        encoded = {"token_ids": ids, "segment_ids": ops.zeros_like(ids), "padding_mask": mask}
        hidden = self.backbone(encoded, training=training)[-1]  # (batch, sequence, hidden)
        return self.output_logits(self.transform(self.at_places(hidden, inputs["places"])), self.token_table)

    def at_places(self, hidden: Any, places: Any) -> Any:
        """Gathers hidden states (batch, sequence, hidden_dim) at places (places,) -> (places, hidden_dim)."""
        return ops.take(ops.reshape(hidden, (-1, self.backbone.config.hidden_dim)), places, axis=0)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "backbone": keras.saving.serialize_keras_object(self.backbone)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> MaskedLm:
        backbone = keras.saving.deserialize_keras_object(config["backbone"], custom_objects)
        return cls(**{**config, "backbone": backbone})
