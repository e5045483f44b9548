"""The backbone with a branch classifier after every layer."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from fastbert_tf.config import FastBertConfig
from fastbert_tf.layers import BranchClassifier
from fastbert_tf.models.backbone import Backbone


@keras.saving.register_keras_serializable(package="fastbert_tf")
class FastBert(keras.Model):
    """Backbone, student classifiers and teacher classifier (FastBERT, section 3.1).

    Input: as `Backbone`. Output: float32 logits (batch, num_layers, num_classes); the last layer's are the teacher's.

    Args:
        backbone: the encoder; its weights are shared, not copied.
        num_classes: classes of the task, at least 2.
        branch_dim: width of the branch classifiers, in units.
        branch_heads: attention heads of the branch classifiers.

    Raises:
        ValueError: a field breaks its rule; the message names it.
    """

    def __init__(
        self,
        backbone: Backbone,
        num_classes: int,
        branch_dim: int = 128,
        branch_heads: int = 2,
        name: str = "fastbert",
        **kwargs: Any,
    ) -> None:
        config = FastBertConfig(backbone.config, num_classes, branch_dim, branch_heads)

        # === Layers ===
        branches = [
            BranchClassifier(
                num_classes, branch_dim, branch_heads, dtype=backbone.embeddings.dtype_policy, name=f"branch_{i}"
            )
            for i in range(config.backbone.num_layers)
        ]

        # === Functional model ===
        inputs = backbone.input
        logits = [
            branch(hidden, inputs["padding_mask"]) for branch, hidden in zip(branches, backbone(inputs), strict=True)
        ]
        stacked = ops.cast(ops.stack(logits, axis=1), "float32")  # (batch, layers, classes)
        super().__init__(inputs=inputs, outputs=stacked, name=name, **kwargs)

        # === Config ===
        self.config = config
        self.backbone = backbone
        self.num_classes = num_classes
        self.branch_dim = branch_dim
        self.branch_heads = branch_heads
        self.branches = branches

    @classmethod
    def from_fastbert_config(cls, config: FastBertConfig, dtype: Any = None) -> FastBert:
        """Builds a randomly initialised model from its configuration."""
        backbone = Backbone(dtype=dtype, **config.backbone.to_dict())
        return cls(backbone, config.num_classes, config.branch_dim, config.branch_heads)

    @property
    def teacher(self) -> BranchClassifier:
        """The last branch classifier."""
        return self.branches[-1]

    @property
    def students(self) -> list[BranchClassifier]:
        """All branch classifiers but the last."""
        return self.branches[:-1]

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "backbone": keras.saving.serialize_keras_object(self.backbone),
            "num_classes": self.num_classes,
            "branch_dim": self.branch_dim,
            "branch_heads": self.branch_heads,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> FastBert:
        backbone = keras.saving.deserialize_keras_object(config["backbone"], custom_objects)
        return cls(**{**config, "backbone": backbone})
