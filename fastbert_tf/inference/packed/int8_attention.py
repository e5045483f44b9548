"""Places for an attention whose results have the same last bit for any neighbours.

A sum over keys is rounded in an order that depends on where in a bin a row starts, and on the number of slots. That is
nothing in float32, but here a last bit can turn a code, and a code the answer's third digit. So every row attends
alone, from its first slot on, over a multiple of 16 slots: oneDNN then adds the same numbers in the same order, and
zeros.
"""

from __future__ import annotations

import tensorflow as tf

from fastbert_tf.inference.packed.attention import HeadPlaces
from fastbert_tf.inference.packed.layout import Layout
from fastbert_tf.layers.attention import MASKED_SCORE

SLOTS = 16
"""The number of slots is a multiple of this: of the float32 numbers in the widest register of a CPU."""
BIAS_SPEC = tf.TensorSpec([None, 1, 1, None], tf.float32)
"""What the bias of `row_places` may look like."""


def row_places(layout: Layout, tokens: tf.Tensor, num_heads: int) -> tuple[HeadPlaces, tf.Tensor]:
    """Says where heads' pieces lie in a padded view of the rows.

    Args:
        layout: where the tokens are.
        tokens: int scalar, packed tokens with those that belong to no row.
        num_heads: attention heads.

    Returns:
        The places, and float32 (rows, 1, 1, slots) to add to the scores. What belongs to no row reads the first token.
    """
    longest = tf.shape(layout.row_slots)[1]
    more = [[0, 0], [0, -longest % SLOTS]]
    slots = tf.pad(layout.row_slots, more)  # (rows, slots)
    bias = tf.pad(layout.row_bias[:, 0], more, constant_values=MASKED_SCORE)
    piece = tf.reshape(tf.range(3 * num_heads), [3, 1, num_heads, 1])
    heads = slots[None, :, None, :] * (3 * num_heads) + piece  # (3, rows, heads, slots)
    row, slot = tf.unstack(tf.cast(tf.where(tf.sequence_mask(layout.lengths)), tf.int32), axis=1)
    width = tf.shape(slots)[1]
    first = tf.pad(row * (num_heads * width) + slot, [[0, tokens - tf.size(row)]])  # (tokens,)
    return HeadPlaces(heads, first[:, None] + tf.range(num_heads) * width), bias[:, None, None]
