"""Self-attention between packed tokens of the same row."""

from __future__ import annotations

import tensorflow as tf

from fastbert_tf.inference.packed.layout import Layout


def attend(projected: tf.Tensor, layout: Layout) -> tf.Tensor:
    """Pools the values of a row's tokens. One gather each does the work of padding and of transposing.

    Args:
        projected: (tokens, 3 * hidden): query, key and value of every token, heads side by side.
        layout: where the tokens are.

    Returns:
        (tokens, hidden), in the type of `projected`.
    """
    hidden_dim, num_heads = projected.shape[-1] // 3, layout.pooled.shape[1]
    head_dim = hidden_dim // num_heads
    pieces = tf.reshape(projected, [-1, head_dim])  # (tokens * 3 * heads, head_dim)
    query, key, value = tf.unstack(tf.gather(pieces, layout.pieces))  # (lines, heads, width, head_dim)
    # The graph optimizer makes one oneDNN operation of product, scalar and bias.
    scale = tf.constant(head_dim**-0.5, projected.dtype)
    scores = tf.matmul(query, key, transpose_b=True) * scale + tf.cast(layout.bias, projected.dtype)
    weights = tf.cast(tf.nn.softmax(tf.cast(scores, tf.float32)), projected.dtype)  # (lines, heads, query, key)
    pooled = tf.reshape(tf.matmul(weights, value), [-1, head_dim])
    return tf.reshape(tf.gather(pooled, layout.pooled), [-1, hidden_dim])  # (tokens, hidden)
