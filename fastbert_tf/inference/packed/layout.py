"""Where the real tokens of a batch lie: packed one row after the other, and in the padded lines of the attention."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

# oneDNN prepares some 25 products and norms anew for every number of tokens it has not seen, and remembers about a
# thousand. Rows and batches are filled up to one of these numbers: beyond 256 tokens by 1.6 % on average, by 3.1 % at
# most.
_STEPS = [2**power * np.arange(32, 64) for power in range(3, 17)]
TOKEN_COUNTS = np.concatenate([np.arange(0, 64, 4), np.arange(64, 256, 8), *_STEPS]).astype(np.int32)
"""Numbers of tokens that are computed, rising from 0."""


class Layout(NamedTuple):
    """The places of packed tokens; int32 tensors but for the biases, which are float32.

    A row is packed as its first token and every other real token. The first one is always there: branches read it,
    and the Keras stack computes it even where the mask hides it. Other masked tokens are read by nobody.

    Attention reads padded lines of tokens, by heads: the piece `(token * 3 + part) * heads + head` of the packed
    queries, keys and values (parts 0, 1 and 2).
    """

    lengths: tf.Tensor
    """(rows,): packed tokens of every row, at least 1."""
    hidden_first: tf.Tensor
    """(rows,): 1 where the first token asks but is no key, since the mask hides it."""
    row_slots: tf.Tensor
    """(rows, longest or more): the packed tokens of every row, the first one first; any one in empty slots."""
    row_bias: tf.Tensor
    """(rows, 1, as above): 0 for keys, a large negative number for empty slots."""
    bias: tf.Tensor
    """(lines, 1, queries, width): 0 for keys of the query's row, a large negative number for others. `queries` is the
    width, or 1 if the queries of a line have the same keys."""
    pieces: tf.Tensor
    """(3, lines, heads, width): the pieces of a line's queries, keys and values; any ones in empty slots."""
    pooled: tf.Tensor
    """(tokens, heads): the pieces of a token, of `lines * heads * width` in the pooled values."""


Lines = Callable[[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor], Layout]
"""Lays rows out: lengths (rows,), `Layout.hidden_first` (rows,), row and slot of every packed token (tokens,)."""


def layout_spec(num_heads: int) -> Layout:
    """Says what a layout may look like."""
    rows = tf.TensorSpec([None], tf.int32)
    return Layout(
        lengths=rows,
        hidden_first=rows,
        row_slots=tf.TensorSpec([None, None], tf.int32),
        row_bias=tf.TensorSpec([None, 1, None], tf.float32),
        bias=tf.TensorSpec([None, 1, None, None], tf.float32),
        pieces=tf.TensorSpec([3, None, num_heads, None], tf.int32),
        pooled=tf.TensorSpec([None, num_heads], tf.int32),
    )


def pack(padding_mask: tf.Tensor, lines: Lines) -> tuple[tf.Tensor, Layout]:
    """Chooses the tokens to pack.

    Args:
        padding_mask: int32 (rows, sequence), 1 for real tokens, wherever they are. A row without any is treated as
            its first token alone.
        lines: lays the rows out.

    Returns:
        int32 (tokens, 2), row and column of every packed token, and their layout. At the end may be some tokens, copies
        of the first one, that belong to no row.
    """
    first = tf.one_hot(0, tf.shape(padding_mask)[1], dtype=padding_mask.dtype)  # (sequence,)
    packed = tf.maximum(padding_mask, first)  # (rows, sequence)
    lengths = tf.reduce_sum(packed, axis=1)
    hidden_first = tf.minimum(lengths - 1, 1 - padding_mask[:, 0])  # 0 for a row that is its first token alone
    chosen = tf.cast(tf.where(packed > 0), tf.int32)

    def one() -> tuple[tf.Tensor, ...]:  # requests of one row have little else to do
        slot = tf.range(lengths[0])
        return _filled_up(tf.zeros_like(slot), slot, chosen)

    def some() -> tuple[tf.Tensor, ...]:
        return _filled_up(*_rows_and_slots(lengths), chosen)

    row, slot, chosen = tf.cond(tf.equal(tf.size(lengths), 1), one, some)
    row, slot = (tf.ensure_shape(x, [None]) for x in (row, slot))
    return tf.ensure_shape(chosen, [None, 2]), lines(lengths, hidden_first, row, slot)


def keep(old: Layout, rows: tf.Tensor, lines: Lines) -> tuple[tf.Tensor, Layout]:
    """Shrinks a layout.

    Args:
        old: the layout.
        rows: int (kept,), the rows that stay, in their new order.
        lines: lays the rows out.

    Returns:
        int32 (tokens,), the old place of every token that stays, and the new layout. At the end may be some tokens,
        copies of the first one, that belong to no row.
    """
    lengths, hidden_first, slots = (tf.gather(x, rows) for x in (old.lengths, old.hidden_first, old.row_slots))
    row, slot = _filled_up(*_rows_and_slots(lengths))
    return tf.gather(slots[:, 0], row) + slot, lines(lengths, hidden_first, row, slot)


def _rows_and_slots(lengths: tf.Tensor) -> list[tf.Tensor]:
    """Returns the row of every packed token and its place in the row, int32 (tokens,) each."""
    return tf.unstack(tf.cast(tf.where(tf.sequence_mask(lengths)), tf.int32), axis=1)


def _filled_up(*tensors: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Adds zeros to (tokens, ...)."""
    tokens = tf.shape(tensors[0])[0]
    more = tf.gather(TOKEN_COUNTS, tf.searchsorted(TOKEN_COUNTS, tokens[None]))[0] - tokens
    return tuple(tf.pad(x, [[0, more]] + [[0, 0]] * (x.shape.rank - 1)) for x in tensors)
