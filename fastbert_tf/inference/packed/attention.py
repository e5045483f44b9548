"""Self-attention between packed tokens of the same row."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from fastbert_tf.inference.packed.layout import Layout


class HeadPlaces(NamedTuple):
    """Where each head's piece of a token lies, for the two gathers of an attention; int32."""

    heads: tf.Tensor
    """(3, bins, heads, width): the pieces of query, key and value, of `tokens * 3 * heads` in the packed product."""
    tokens: tf.Tensor
    """(tokens, heads): the pieces of a token, of `bins * heads * width` in the pooled values."""


def places_spec(num_heads: int) -> HeadPlaces:
    """Says what the places may look like."""
    return HeadPlaces(
        heads=tf.TensorSpec([3, None, num_heads, None], tf.int32), tokens=tf.TensorSpec([None, num_heads], tf.int32)
    )


def head_places(layout: Layout, num_heads: int) -> HeadPlaces:
    """Combines a layout with the order of heads, once for all layers.

    Args:
        layout: where the tokens are.
        num_heads: attention heads.

    Returns:
        The places; one gather each then does the work of padding and of transposing.
    """
    piece = tf.reshape(tf.range(3 * num_heads), [3, 1, num_heads, 1])
    heads = layout.slots[None, :, None, :] * (3 * num_heads) + piece  # (3, bins, heads, width)
    width = tf.shape(layout.slots)[1]
    first = layout.bins * (num_heads * width) + layout.places  # (tokens,)
    return HeadPlaces(heads, first[:, None] + tf.range(num_heads) * width)


def attend(projected: tf.Tensor, bias: tf.Tensor, places: HeadPlaces, num_heads: int) -> tf.Tensor:
    """Pools the values of a row's tokens.

    Args:
        projected: (tokens, 3 * hidden): query, key and value of every token, heads side by side.
        bias: float32 (bins, 1, 1 or width, width), added to the scores.
        places: from `head_places`.
        num_heads: attention heads.

    Returns:
        (tokens, hidden), in the type of `projected`.
    """
    hidden_dim = projected.shape[-1] // 3
    head_dim = hidden_dim // num_heads
    pieces = tf.reshape(projected, [-1, head_dim])  # (tokens * 3 * heads, head_dim)
    query, key, value = tf.unstack(tf.gather(pieces, places.heads))  # (bins, heads, width, head_dim)
    # The graph optimizer makes one oneDNN operation of product, scalar and bias.
    scale = tf.constant(head_dim**-0.5, projected.dtype)
    scores = tf.matmul(query, key, transpose_b=True) * scale + tf.cast(bias, projected.dtype)
    weights = tf.cast(tf.nn.softmax(tf.cast(scores, tf.float32)), projected.dtype)  # (bins, heads, query, key)
    pooled = tf.reshape(tf.matmul(weights, value), [-1, head_dim])
    return tf.reshape(tf.gather(pooled, places.tokens), [-1, hidden_dim])  # (tokens, hidden)
