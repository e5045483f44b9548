"""The classifier that hangs on every layer."""

from __future__ import annotations

from typing import Any

import keras

from fastbert_tf.layers.attention import MultiHeadAttention


@keras.saving.register_keras_serializable(package="fastbert_tf")
class BranchClassifier(keras.layers.Layer):
    """Teacher or student classifier: narrow, attend, read the first token (FastBERT, section 3.1 and eq. 3-4).

    Dense to `branch_dim` with tanh, self-attention, dense with tanh, dense to classes. Only the first token is read
    after the attention, so only its query is computed. Tanh, heads and the first token follow the authors' code.

    Args:
        num_classes: classes, at least 2.
        branch_dim: width, in units.
        branch_heads: attention heads.
    """

    def __init__(self, num_classes: int, branch_dim: int = 128, branch_heads: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_classes = num_classes
        self.branch_dim = branch_dim
        self.branch_heads = branch_heads

        def dense(units: int, name: str, activation: str | None = None) -> keras.layers.Dense:
            return keras.layers.Dense(units, activation, dtype=self.dtype_policy, name=name)

        self.input_projection = dense(branch_dim, "input_projection", "tanh")
        self.attention = MultiHeadAttention(branch_dim, branch_heads, dtype=self.dtype_policy, name="attention")
        self.pooler = dense(branch_dim, "pooler", "tanh")
        self.classifier = dense(num_classes, "classifier")

    def build(self, hidden_shape: Any, padding_mask_shape: Any = None) -> None:
        narrow_shape = (*hidden_shape[:-1], self.branch_dim)
        self.input_projection.build(hidden_shape)
        self.attention.build(narrow_shape)
        self.pooler.build((hidden_shape[0], self.branch_dim))
        self.classifier.build((hidden_shape[0], self.branch_dim))
        self.built = True

    def call(self, hidden: Any, padding_mask: Any) -> Any:
        """Classifies rows.

        Args:
            hidden: a layer's hidden states (batch, sequence, hidden_dim).
            padding_mask: int (batch, sequence), 1 for real tokens.

        Returns:
            Logits (batch, num_classes).
        """
        narrow = self.input_projection(hidden)  # (batch, sequence, branch_dim)
        first = self.attention(narrow[:, :1], narrow, padding_mask)[:, 0]  # (batch, branch_dim)
        return self.classifier(self.pooler(first))

    def compute_output_shape(self, hidden_shape: Any, padding_mask_shape: Any = None) -> tuple:
        return (hidden_shape[0], self.num_classes)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "branch_dim": self.branch_dim,
            "branch_heads": self.branch_heads,
        }
