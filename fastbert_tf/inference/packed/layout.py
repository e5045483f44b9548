"""Where the real tokens of a batch lie: packed one row after the other, and in padded views."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from fastbert_tf.inference.packed.bins import row_bins
from fastbert_tf.layers.attention import MASKED_SCORE

# oneDNN prepares a product anew for every number of tokens it has not seen, and remembers about a thousand. Batches are
# filled up to one of these numbers, by 0.8 % on average and 1.6 % at most.
_STEPS = [2**power * np.arange(64, 128) for power in range(16)]
_TOKEN_COUNTS = np.concatenate([np.arange(64), *_STEPS]).astype(np.int32)


class Layout(NamedTuple):
    """The places of packed tokens; int32 tensors but for the biases, which are float32.

    A row is packed as its first token and every other real token. The first one is always there: branches read it,
    and the Keras stack computes it even where the mask hides it. Other masked tokens are read by nobody.

    Attention reads bins: padded lines of one row, or of two rows that fill a line together and do not see each other.
    """

    lengths: tf.Tensor
    """(rows,): packed tokens of every row, at least 1."""
    hidden_first: tf.Tensor
    """(rows,): 1 where the first token asks but is no key, since the mask hides it."""
    starts: tf.Tensor
    """(rows,): place of every row's first token in the packed tensor."""
    row_slots: tf.Tensor
    """(rows, longest): the packed tokens of every row; any one in empty slots."""
    row_bias: tf.Tensor
    """(rows, 1, longest): 0 for keys, a large negative number for empty slots."""
    slots: tf.Tensor
    """(bins, width): the packed tokens of every bin; any one in empty slots."""
    bias: tf.Tensor
    """(bins, 1, queries, width): 0 for keys of the query's row, a large negative number for others. `queries` is the
    width, or 1 if the queries of a bin have the same keys."""
    bins: tf.Tensor
    """(tokens,): the bin of every packed token."""
    places: tf.Tensor
    """(tokens,): the slot of every packed token in its bin."""


_ROWS = tf.TensorSpec([None], tf.int32)
_SLOTS = tf.TensorSpec([None, None], tf.int32)
BIAS_SPEC = tf.TensorSpec([None, 1, None, None], tf.float32)
"""What `Layout.bias` may look like."""
LAYOUT_SPEC = Layout(
    lengths=_ROWS,
    hidden_first=_ROWS,
    starts=_ROWS,
    row_slots=_SLOTS,
    row_bias=tf.TensorSpec([None, 1, None], tf.float32),
    slots=_SLOTS,
    bias=BIAS_SPEC,
    bins=_ROWS,
    places=_ROWS,
)
"""What a layout may look like."""


def packed_columns(padding_mask: tf.Tensor) -> tuple[tf.Tensor, Layout]:
    """Chooses the tokens to pack.

    Args:
        padding_mask: int32 (rows, sequence), 1 for real tokens, wherever they are. A row without any is treated as
            its first token alone.

    Returns:
        int32 (tokens, 2), row and column of every packed token, and their layout. At the end may be some tokens, copies
        of the first one, that belong to no row.
    """
    first = tf.one_hot(0, tf.shape(padding_mask)[1], dtype=padding_mask.dtype)  # (sequence,)
    packed = tf.maximum(padding_mask, first)  # (rows, sequence)
    lengths = tf.reduce_sum(packed, axis=1)
    hidden_first = tf.where(lengths > 1, 1 - padding_mask[:, 0], 0)
    chosen = tf.cast(tf.where(packed > 0), tf.int32)
    one = partial(_one_row, chosen, lengths, hidden_first)
    some = partial(_some_rows, chosen, lengths, hidden_first)
    chosen, layout = tf.cond(tf.equal(tf.size(lengths), 1), one, some)
    # Layer normalisation is fused only where the graph optimizer knows the rank. And where outputs of a `tf.cond` go
    # straight into another one, TensorFlow 2.20 loses them in a SavedModel ("Retval does not have value").
    layout = tf.nest.map_structure(lambda x, spec: tf.ensure_shape(x, spec.shape), layout, LAYOUT_SPEC)
    return tf.ensure_shape(chosen, [None, 2]), layout


def keep(old: Layout, rows: tf.Tensor) -> tuple[tf.Tensor, Layout]:
    """Shrinks a layout.

    Args:
        old: the layout.
        rows: int (kept,), the rows that stay, in their new order.

    Returns:
        int32 (tokens,), the old place of every token that stays, and the new layout. At the end may be some tokens that
        belong to no row.
    """
    lengths = tf.gather(old.lengths, rows)
    row, slot = _rows_and_slots(lengths)
    moved = tf.gather(tf.gather(old.starts, rows), row) + slot  # (tokens,)
    return _some_rows(moved, lengths, tf.gather(old.hidden_first, rows))


def _one_row(tokens: tf.Tensor, lengths: tf.Tensor, hidden_first: tf.Tensor) -> tuple[tf.Tensor, Layout]:
    """Lays out a row: no padding, no bins, for requests of one row have little else to do."""
    places = tf.range(lengths[0])
    slots = places[None]  # (1, tokens)
    bias = tf.where(slots >= hidden_first, 0.0, MASKED_SCORE)[None]  # (1, 1, tokens)
    start = tf.zeros_like(lengths)
    return tokens, Layout(lengths, hidden_first, start, slots, bias, slots, bias[None], tf.zeros_like(places), places)


def _some_rows(tokens: tf.Tensor, lengths: tf.Tensor, hidden_first: tf.Tensor) -> tuple[tf.Tensor, Layout]:
    """Lays rows out one after the other and fills up `tokens` (tokens, ...)."""
    starts = tf.cumsum(lengths, exclusive=True)
    longest = tf.maximum(tf.reduce_max(lengths), 1)  # no rows have no longest
    slot = tf.range(longest)
    is_key = (slot < lengths[:, None]) & (slot >= hidden_first[:, None])  # (rows, longest)
    row_slots = starts[:, None] + tf.minimum(slot, lengths[:, None] - 1)
    of_row = row_bins(lengths)
    row, slot = _rows_and_slots(lengths)
    bins, places = tf.gather(of_row.bin, row), tf.gather(of_row.offset, row) + slot
    index = tf.stack([bins, places], axis=1)  # (tokens, 2)
    shape = tf.stack([of_row.count, of_row.width])
    owner = row + 1  # 0: nobody
    asking = tf.scatter_nd(index, owner, shape)  # (bins, width)
    answering = tf.scatter_nd(index, tf.where(slot < tf.gather(hidden_first, row), 0, owner), shape)
    sees = tf.equal(asking[:, :, None], answering[:, None, :])  # (bins, query, key)
    extra = [[0, tf.gather(_TOKEN_COUNTS, tf.searchsorted(_TOKEN_COUNTS, tf.size(row)[None]))[0] - tf.size(row)]]
    return tf.pad(tokens, extra + [[0, 0]] * (tokens.shape.rank - 1)), Layout(
        lengths=lengths,
        hidden_first=hidden_first,
        starts=starts,
        row_slots=row_slots,
        row_bias=tf.where(is_key, 0.0, MASKED_SCORE)[:, None],
        slots=tf.scatter_nd(index, tf.range(tf.size(row)), shape),
        bias=tf.where(sees, 0.0, MASKED_SCORE)[:, None],
        bins=tf.pad(bins, extra),
        places=tf.pad(places, extra),
    )


def _rows_and_slots(lengths: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the row of every packed token and its place in the row, int32 (tokens,) each."""
    row, slot = tf.unstack(tf.cast(tf.where(tf.sequence_mask(lengths)), tf.int32), axis=1)
    return row, slot
