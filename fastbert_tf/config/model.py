"""Shapes of models."""

from __future__ import annotations

from dataclasses import dataclass

from fastbert_tf.config.base import Config, require, require_integer

ACTIVATIONS = ("gelu", "gelu_tanh")


@dataclass(frozen=True)
class BackboneConfig(Config):
    """Shape of a BERT encoder; the names follow KerasHub's `BertBackbone`."""

    vocabulary_size: int
    """Entries of the token vocabulary."""
    num_layers: int
    """Encoder blocks."""
    num_heads: int
    """Attention heads a block; must divide `hidden_dim`."""
    hidden_dim: int
    """Width of the hidden states, in units."""
    intermediate_dim: int
    """Width of the feed-forward layer, in units."""
    max_sequence_length: int = 512
    """Learned positions: the longest input, in tokens."""
    num_segments: int = 2
    """Segment (token type) embeddings."""
    dropout: float = 0.1
    """Dropout rate on embeddings, attention weights and block outputs, in [0, 1)."""
    activation: str = "gelu"
    """Feed-forward activation: exact `gelu`, or `gelu_tanh` for checkpoints trained with the approximation."""
    layer_norm_epsilon: float = 1e-12
    """Added to the variance in layer normalisation."""

    def __post_init__(self) -> None:
        require_integer(
            self, "vocabulary_size", "num_layers", "num_heads", "hidden_dim", "intermediate_dim",
            "max_sequence_length", "num_segments",
        )  # fmt: skip
        require(
            self.hidden_dim % self.num_heads == 0,
            "hidden_dim",
            f"a multiple of {self.num_heads} heads",
            self.hidden_dim,
        )
        require(0 <= self.dropout < 1, "dropout", "in [0, 1)", self.dropout)
        require(self.activation in ACTIVATIONS, "activation", f"one of {ACTIVATIONS}", self.activation)
        require(self.layer_norm_epsilon > 0, "layer_norm_epsilon", "positive", self.layer_norm_epsilon)


@dataclass(frozen=True)
class FastBertConfig(Config):
    """A backbone with one branch classifier after every layer; the last branch is the teacher."""

    backbone: BackboneConfig
    """The encoder."""
    num_classes: int
    """Labels of the task, at least 2."""
    branch_dim: int = 128
    """Width of the branch classifiers, in units; must divide by `branch_heads`."""
    branch_heads: int = 2
    """Attention heads of a branch classifier."""

    def __post_init__(self) -> None:
        if isinstance(self.backbone, dict):
            object.__setattr__(self, "backbone", BackboneConfig.from_dict(self.backbone))
        require_integer(self, "branch_dim", "branch_heads")
        require_integer(self, "num_classes", least=2)
        require(
            self.branch_dim % self.branch_heads == 0, "branch_dim", f"a multiple of {self.branch_heads} heads",
            self.branch_dim,
        )  # fmt: skip
