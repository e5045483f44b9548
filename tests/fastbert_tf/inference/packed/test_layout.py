"""Layouts against loops over single tokens."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.inference.packed import layout as layouts

MASKS = {
    "one row": [[1, 1, 1, 0]],
    "one row, hole": [[1, 0, 1, 1]],
    "one row, hidden first": [[0, 1, 1, 0]],
    "one row, nothing": [[0, 0, 0, 0]],
    "one length": [[1, 1, 1], [1, 1, 1]],
    "lengths": [[1, 1, 1, 1], [1, 0, 0, 0], [1, 1, 0, 0]],
    "holes": [[1, 0, 1, 1], [0, 1, 1, 0], [0, 0, 0, 1], [1, 0, 0, 1]],
    "nothing beside something": [[0, 0, 0], [1, 1, 1]],
    "long and short": (np.arange(60) < np.array([60, 3, 5, 44, 9])[:, None]).astype(int).tolist(),
    "many": (np.arange(24) < np.arange(1, 25)[:, None]).astype(int).tolist(),
}


class LayoutTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.named_parameters(*((name, name) for name in MASKS))
    def test_every_token_sees_the_keys_of_its_row(self, name):
        mask = np.array(MASKS[name], np.int32)
        self._check(*layouts.packed_columns(tf.constant(mask)), mask)

    @parameterized.parameters([[0, 1, 2]], [[2, 0]], [[3]], [[]])
    def test_keep(self, rows):
        mask = np.array(MASKS["holes"], np.int32)
        chosen, old = layouts.packed_columns(tf.constant(mask))
        tokens, new = layouts.keep(old, tf.constant(rows, tf.int64))
        kept = chosen.numpy()[tokens]
        kept[:, 0] = [rows.index(row) if row in rows else -1 for row in kept[:, 0]]
        self._check(kept, new, mask[rows])

    def _check(self, chosen, layout, mask):
        """Looks every query and key up, as (row, column) pairs."""
        expected = [(r, c) for r, row in enumerate(mask) for c, real in enumerate(row) if real or c == 0]
        chosen = [tuple(pair) for pair in np.asarray(chosen)]
        self.assertEqual(chosen[: len(expected)], expected)
        self.assertLessEqual(len(chosen) - len(expected), len(expected) / 64)
        bias = np.broadcast_to(layout.bias[:, 0], [*layout.slots.shape, layout.slots.shape[1]])
        for token, (row, column) in enumerate(expected):
            bin, place = layout.bins[token], layout.places[token]
            self.assertEqual(layout.slots[bin, place], token)
            keys = [(r, c) for r, c in expected if r == row and (mask[r, c] or not mask[r].any())]
            self.assertEqual([chosen[key] for key in layout.slots[bin].numpy()[bias[bin, place] == 0]], keys)
            if column == 0:
                self.assertEqual(layout.starts[row], token)
                real = layout.row_bias[row, 0].numpy() == 0
                self.assertEqual([chosen[key] for key in layout.row_slots[row].numpy()[real]], keys)
        self.assertLess(layout.bias.numpy().min(initial=-1e9), -1e8)

    def test_filled_up_tokens_come_in_few_numbers(self):
        packed = tf.function(lambda mask: layouts.packed_columns(mask)[0], reduce_retracing=True)
        counts = {len(packed(tf.ones([2, length], tf.int32))) for length in range(256, 512)}  # of 512 to 1024 tokens
        self.assertLen(counts, 65)

    def test_no_rows(self):
        chosen, layout = layouts.packed_columns(tf.zeros([0, 4], tf.int32))
        self.assertEqual((len(chosen), len(layout.slots), len(layout.lengths)), (0, 0, 0))


if __name__ == "__main__":
    tf.test.main()
