"""Rows that share a padded line of the attention."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

_COPY_KEYS = 32
"""What a slot costs that no query reads, in keys: its query, key and value are copied. Measured at 6 x 384."""


class RowLines(NamedTuple):
    """Where rows lie in padded lines; int32."""

    line: tf.Tensor
    """(rows,): the line of the row."""
    offset: tf.Tensor
    """(rows,): the row's first slot in it."""
    count: tf.Tensor
    """Scalar: lines."""
    width: tf.Tensor
    """Scalar: slots of a line."""


def row_lines(lengths: tf.Tensor) -> RowLines:
    """Puts the longest row in a line with the shortest, the second longest with the second shortest and so on.

    Lines are then nearly full. Every query of a line is multiplied with every key of it, though: where the rows are
    about equally long, each gets a line of its own.

    Args:
        lengths: int32 (rows,).

    Returns:
        The lines.
    """
    rows = tf.size(lengths)
    order = tf.argsort(lengths, direction="DESCENDING")  # (rows,)
    longer = tf.gather(lengths, order)
    partner = tf.reverse(longer, [0])
    longest, widest = (tf.maximum(tf.reduce_max(sizes), 1) for sizes in (lengths, longer + partner))  # if no rows
    shares = widest * (widest + _COPY_KEYS) < 2 * longest * (longest + _COPY_KEYS)
    rank = tf.range(rows)
    mirrored = rows - 1 - rank
    is_second = shares & (rank > mirrored)
    line = tf.where(is_second, mirrored, rank)
    offset = tf.where(is_second, partner, 0)
    placed = tf.scatter_nd(order[:, None], tf.stack([line, offset], axis=1), tf.stack([rows, 2]))
    count, width = tf.where(shares, (rows + 1) // 2, rows), tf.where(shares, widest, longest)
    return RowLines(placed[:, 0], placed[:, 1], count, width)
