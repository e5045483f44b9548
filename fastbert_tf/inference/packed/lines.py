"""How rows lie in the padded lines of the attention."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from fastbert_tf.inference.packed.layout import Layout, layout_spec
from fastbert_tf.inference.packed.row_lines import row_lines
from fastbert_tf.layers.attention import MASKED_SCORE

WIDEST_REGISTER = 16
"""float32 numbers in the widest register of a CPU."""


@dataclass(frozen=True)
class OwnLines:
    """Every row has a line of its own and lies at its start.

    A sum over keys is rounded in an order that depends on where in a line a row starts, and on the width. That is
    nothing in float32, but in bfloat16 or int8 a last bit can turn a code, and a code the answer's third digit. In
    lines of their own, of a multiple of 16 slots, oneDNN adds the same numbers in the same order, and zeros, for any
    neighbours.
    """

    num_heads: int
    """Attention heads."""
    multiple: int = WIDEST_REGISTER
    """The width of a line is a multiple of this."""

    def __call__(self, lengths: tf.Tensor, hidden_first: tf.Tensor, row: tf.Tensor, slot: tf.Tensor) -> Layout:
        """Lays rows out; see `layout.Lines`."""
        longest = tf.maximum(tf.reduce_max(lengths), 1)  # no rows have no longest
        width = longest + -longest % self.multiple
        starts = tf.cumsum(lengths, exclusive=True)
        place, last = tf.range(width), lengths[:, None] - 1
        slots = starts[:, None] + tf.minimum(place, last)  # (rows, width)
        bias = _bias((place > last) | (place < hidden_first[:, None]))[:, None]  # (rows, 1, width)
        pooled = _pooled(row, slot, width, self.num_heads)
        return Layout(lengths, hidden_first, slots, bias, bias[:, None], _pieces(slots, self.num_heads), pooled)


@dataclass(frozen=True)
class SharedLines:
    """Two rows share a line where that saves padding; they do not see each other."""

    num_heads: int
    """Attention heads."""

    def __call__(self, lengths: tf.Tensor, hidden_first: tf.Tensor, row: tf.Tensor, slot: tf.Tensor) -> Layout:
        """Lays rows out; see `layout.Lines`."""
        rows = OwnLines(self.num_heads)(lengths, hidden_first, row, slot)
        layout = tf.cond(tf.equal(tf.size(lengths), 1), lambda: rows, lambda: self._shared(rows, row, slot))
        # Layer normalisation is fused only where the graph optimizer knows the rank. And where outputs of a `tf.cond`
        # go straight into another one, TensorFlow 2.20 loses them in a SavedModel ("Retval does not have value").
        return tf.nest.map_structure(
            lambda x, spec: tf.ensure_shape(x, spec.shape), layout, layout_spec(self.num_heads)
        )

    def _shared(self, rows: Layout, row: tf.Tensor, slot: tf.Tensor) -> Layout:
        of_row = row_lines(rows.lengths)
        line, place = tf.gather(of_row.line, row), tf.gather(of_row.offset, row) + slot
        tokens = tf.reduce_sum(rows.lengths)  # the others belong to no row
        index = tf.stack([line, place], axis=1)[:tokens]  # (tokens, 2)
        shape = tf.stack([of_row.count, of_row.width])
        owner = row[:tokens] + 1  # 0: nobody
        is_hidden = slot[:tokens] < tf.gather(rows.hidden_first, row[:tokens])
        asking = tf.scatter_nd(index, owner, shape)  # (lines, width)
        answering = tf.scatter_nd(index, tf.where(is_hidden, 0, owner), shape)
        slots = tf.scatter_nd(index, tf.range(tokens), shape)
        return rows._replace(
            bias=_bias(asking[:, :, None] != answering[:, None, :])[:, None],  # (lines, 1, query, key)
            pieces=_pieces(slots, self.num_heads),
            pooled=_pooled(line, place, of_row.width, self.num_heads),
        )


def _bias(is_hidden: tf.Tensor) -> tf.Tensor:
    return tf.cast(is_hidden, tf.float32) * MASKED_SCORE


def _pieces(slots: tf.Tensor, num_heads: int) -> tf.Tensor:
    """Returns the pieces (3, lines, heads, width) of the tokens in `slots` (lines, width)."""
    piece = np.arange(3 * num_heads, dtype=np.int32).reshape(3, 1, num_heads, 1)
    return (slots * (3 * num_heads))[None, :, None, :] + piece


def _pooled(line: tf.Tensor, place: tf.Tensor, width: tf.Tensor, num_heads: int) -> tf.Tensor:
    """Returns the places (tokens, heads) of every token's heads, where each line of each head has `width` slots."""
    return (line * (num_heads * width) + place)[:, None] + tf.range(num_heads) * width
