"""The encoder block in int8 arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from fastbert_tf.inference.packed.attention import attend
from fastbert_tf.inference.packed.int8_coding import LEVELS, Coding, codes, fitted
from fastbert_tf.inference.packed.int8_dense import Int8Dense
from fastbert_tf.inference.packed.int8_norm import CodedNorm, Hidden
from fastbert_tf.inference.packed.int8_sample import BlockSample
from fastbert_tf.inference.packed.int8_weights import int8_weights
from fastbert_tf.inference.packed.layout import Layout
from fastbert_tf.inference.packed.weights import fused_attention
from fastbert_tf.layers import EncoderBlock, MultiHeadAttention


@dataclass(frozen=True)
class Int8Block:
    """Attention and feed-forward, each with residual and post-layer-normalisation (FastBERT, eq. 2).

    Four int8 products and two normalisations: scales, zeros, biases, residuals and the activation are folded into them.
    """

    projections: Int8Dense
    """To (tokens, 3 * hidden): queries, keys, and values in the unit of their codes."""
    pooled_shift: np.ndarray
    """(hidden,): what is added to pooled values before they become codes."""
    attention_output: Int8Dense
    """To (tokens, hidden), in the unit of the block's input."""
    attention_norm: CodedNorm
    """To the coding of the middle."""
    intermediate: Int8Dense
    """To codes (tokens, intermediate)."""
    output: Int8Dense
    """To (tokens, hidden), in the unit of the middle."""
    output_norm: CodedNorm
    """To the coding of the next block."""

    def __call__(self, hidden: Hidden, layout: Layout) -> Hidden:
        """Transforms packed hidden states.

        Args:
            hidden: in the coding of this block.
            layout: where the tokens are.

        Returns:
            Hidden states in the coding of the next block.
        """
        with tf.name_scope("attention_projections"):
            projected = self.projections(hidden.codes)
        with tf.name_scope("attention_products"):
            pooled = attend(projected, layout)
            pooled_codes = codes(pooled + tf.constant(self.pooled_shift, tf.float32))
        with tf.name_scope("attention_projections"):
            attended = self.attention_output(pooled_codes, hidden.shifted)
        with tf.name_scope("norms_and_rest"):
            middle = self.attention_norm(attended)
        with tf.name_scope("feed_forward"):
            outer = self.output(self.intermediate(middle.codes), middle.shifted)
        with tf.name_scope("norms_and_rest"):
            return self.output_norm(outer)


def hidden_coding(seen: np.ndarray, trained: keras.layers.Dense | MultiHeadAttention) -> Coding:
    """Chooses the coding of hidden states: one step for all channels, so that residuals can be added in its unit.

    Args:
        seen: sample of the hidden states (tokens, channels).
        trained: the layer that reads them.
    """
    kernel = fused_attention(trained).kernel if isinstance(trained, MultiHeadAttention) else np.asarray(trained.kernel)
    return fitted(Coding.one_step, seen, kernel)


def int8_block(trained: EncoderBlock, sample: BlockSample, before: Coding, after: Coding) -> Int8Block:
    """Quantises a block.

    Args:
        trained: the layer whose weights are copied.
        sample: of its hidden numbers.
        before: coding of its input.
        after: coding of its output.

    Returns:
        The block.
    """
    attention, up, down = fused_attention(trained.attention), trained.intermediate, trained.output_projection
    middle = hidden_coding(sample.middle, up)
    pooled = fitted(Coding.by_channel, sample.pooled, attention.output_kernel)
    inner = fitted(Coding.one_range, sample.inner, np.asarray(down.kernel))
    # Attention weights sum to 1: what is done to all values of a channel is done to what they are pooled to.
    value_step = np.concatenate([np.ones(2 * trained.hidden_dim), pooled.step])
    projections = attention.kernel / value_step, attention.bias / value_step
    return Int8Block(
        projections=Int8Dense(int8_weights(*projections, before, sample.hidden)),
        pooled_shift=pooled.shift,
        attention_output=_residual_dense(
            attention.output_kernel, attention.output_bias, pooled, sample.pooled, residual=before
        ),
        attention_norm=CodedNorm(trained.attention_norm, before.step[0], middle),
        intermediate=Int8Dense(
            int8_weights(np.asarray(up.kernel), np.asarray(up.bias), middle, sample.middle),
            trained.activation,
            _code_range(inner),
        ),
        output=_residual_dense(np.asarray(down.kernel), np.asarray(down.bias), inner, sample.inner, residual=middle),
        output_norm=CodedNorm(trained.output_norm, middle.step[0], after),
    )


def _residual_dense(
    kernel: np.ndarray, bias: np.ndarray, coding: Coding, seen: np.ndarray, residual: Coding
) -> Int8Dense:
    """Quantises a product to which shifted numbers are added: it is in their unit and takes out their shift."""
    return Int8Dense(int8_weights(kernel / residual.step, bias / residual.step - residual.shift, coding, seen))


def _code_range(coding: Coding) -> tuple[float, float]:
    step, zero = float(coding.step[0]), float(coding.zero[0])
    return -zero * step, (LEVELS - zero) * step
