"""The encoder block over packed tokens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from fastbert_tf.inference.packed.attention import attend
from fastbert_tf.inference.packed.dense import ACTIVATIONS, Dense
from fastbert_tf.inference.packed.layer_norm import LayerNorm
from fastbert_tf.inference.packed.layout import Layout
from fastbert_tf.inference.packed.weights import fused_attention
from fastbert_tf.layers import EncoderBlock

Transform = Callable[[tf.Tensor], tf.Tensor]


@dataclass(frozen=True)
class Block:
    """Attention and feed-forward, each with residual and post-layer-normalisation (FastBERT, eq. 2).

    Every part maps (tokens, ...) to (tokens, ...), so that other arithmetic can be put in its place.
    """

    projections: Transform
    """(tokens, hidden) to (tokens, 3 * hidden): queries, keys and values."""
    attention_output: Transform
    """(tokens, hidden) to the same."""
    attention_norm: Transform
    """(tokens, hidden) to the same."""
    intermediate: Transform
    """(tokens, hidden) to (tokens, intermediate), activated."""
    output: Transform
    """(tokens, intermediate) to (tokens, hidden)."""
    output_norm: Transform
    """(tokens, hidden) to the same."""

    @property
    def variables(self) -> list[Any]:
        """The Keras variables that the parts read."""
        parts = (self.projections, self.attention_output, self.intermediate, self.output)
        return [variable for part in parts for variable in getattr(part, "variables", [])]

    def __call__(self, hidden: tf.Tensor, layout: Layout) -> tf.Tensor:
        """Transforms packed hidden states.

        Args:
            hidden: (tokens, hidden).
            layout: where the tokens are.

        Returns:
            (tokens, hidden).
        """
        with tf.name_scope("attention_projections"):
            projected = self.projections(hidden)
        with tf.name_scope("attention_products"):
            pooled = attend(projected, layout)
        with tf.name_scope("attention_projections"):
            hidden = self.attention_output(pooled) + hidden
        with tf.name_scope("norms_and_rest"):
            hidden = self.attention_norm(hidden)
        with tf.name_scope("feed_forward"):
            hidden = self.output(self.intermediate(hidden)) + hidden
        with tf.name_scope("norms_and_rest"):
            return self.output_norm(hidden)


def float_block(trained: EncoderBlock, dtype: tf.DType, unit: float = 1.0) -> Block:
    """Builds a block in floating-point arithmetic.

    Args:
        trained: the layer whose weights are copied.
        dtype: `tf.float32` or `tf.bfloat16`: the type of weights, products and hidden states.
        unit: what stands for 1 in hidden states; see `LayerNorm`.

    Returns:
        The block.
    """
    attention = fused_attention(trained.attention)
    inner, outer = trained.intermediate, trained.output_projection
    inner_kernel, outer_kernel, outer_bias = (np.asarray(w) for w in (inner.kernel, outer.kernel, outer.bias))

    def norm(layer: keras.layers.LayerNormalization) -> LayerNorm:
        gamma, beta = np.asarray(layer.gamma), np.asarray(layer.beta)
        return LayerNorm(unit * gamma, unit * beta, unit**2 * trained.layer_norm_epsilon, dtype)

    def dense(kernel: np.ndarray, bias: np.ndarray, activation: str | None = None) -> Dense:
        return Dense(kernel, bias, dtype, ACTIVATIONS[activation] if activation else None, dtype == tf.float32)

    return Block(
        projections=dense(attention.kernel / unit, attention.bias),
        attention_output=dense(unit * attention.output_kernel, unit * attention.output_bias),
        attention_norm=norm(trained.attention_norm),
        intermediate=dense(inner_kernel / unit, np.asarray(inner.bias), trained.activation),
        output=dense(unit * outer_kernel, unit * outer_bias),
        output_norm=norm(trained.output_norm),
    )
