"""Truncation of token rows by slicing ragged tensors.

TensorFlow Text's `RoundRobinTrimmer` would do, but TensorFlow Serving up to 2.19 lacks its op.
"""

from __future__ import annotations

import tensorflow as tf


def truncate_longest_first(
    first: tf.RaggedTensor, second: tf.RaggedTensor, budget: int
) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
    """Shortens the longer row of each pair until the pair fits (Hugging Face's `longest_first`).

    The shorter row keeps up to half of the budget, rounded down; the longer one gets what is left. Of two equally
    long rows the first counts as the shorter.

    Args:
      first: token ids, (batch, ragged).
      second: token ids, (batch, ragged), as many rows as `first`.
      budget: tokens that a pair may keep, at least 0.

    Returns:
      Both, shortened at their ends.
    """
    first_length, second_length = first.row_lengths(), second.row_lengths()  # (batch,)
    shorter = tf.minimum(tf.minimum(first_length, second_length), budget // 2)
    longer = tf.minimum(tf.maximum(first_length, second_length), budget - shorter)
    first_is_longer = first_length > second_length
    return (
        _keep_heads(first, tf.where(first_is_longer, longer, shorter)),
        _keep_heads(second, tf.where(first_is_longer, shorter, longer)),
    )


def _keep_heads(rows: tf.RaggedTensor, lengths: tf.Tensor) -> tf.RaggedTensor:
    """The first `lengths[i]` values of every row i."""
    starts = rows.row_starts()
    return tf.gather(rows.values, tf.ragged.range(starts, starts + lengths))
