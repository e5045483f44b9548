"""Layouts against loops over single tokens."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.inference.packed import layout as layouts
from fastbert_tf.inference.packed.lines import OwnLines, SharedLines

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


LINES = {"own": OwnLines(2), "shared": SharedLines(2)}
CASES = [(f"{lines} {mask}", lines, mask) for lines in LINES for mask in MASKS]


class LayoutTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.named_parameters(*CASES)
    def test_every_token_sees_the_keys_of_its_row(self, lines, name):
        mask = np.array(MASKS[name], np.int32)
        self._check(*layouts.pack(tf.constant(mask), LINES[lines]), mask)

    @parameterized.product(lines=["own", "shared"], rows=[[0, 1, 2], [2, 0], [3], []])
    def test_keep(self, lines, rows):
        mask = np.array(MASKS["holes"], np.int32)
        chosen, old = layouts.pack(tf.constant(mask), LINES[lines])
        tokens, new = layouts.keep(old, tf.constant(rows, tf.int64), LINES[lines])
        kept = chosen.numpy()[tokens]
        kept[:, 0] = [rows.index(row) if row in rows else -1 for row in kept[:, 0]]
        self._check(kept, new, mask[rows])

    def _check(self, chosen, layout, mask):
        """Looks every query and key of the second head up, as (row, column) pairs."""
        expected = [(r, c) for r, row in enumerate(mask) for c, real in enumerate(row) if real or c == 0]
        chosen = [tuple(pair) for pair in np.asarray(chosen)]
        self.assertEqual(chosen[: len(expected)], expected)
        self.assertLessEqual(len(chosen) - len(expected), max(3 if len(expected) <= 64 else 7, len(expected) / 32))
        part, head = np.array([0, 1, 2])[:, None, None], 1
        pieces = layout.pieces[:, :, head].numpy() - (2 * part + head)  # (part, lines, width): 6 * token
        self.assertAllEqual(pieces, np.broadcast_to(pieces[0], pieces.shape))
        slots, width = pieces[0] // 6, pieces.shape[-1]
        bias = np.broadcast_to(layout.bias[:, 0], [*slots.shape, width])
        for token, (row, column) in enumerate(expected):
            line, place = divmod(int(layout.pooled[token, head]) - head * width, 2 * width)
            self.assertEqual(slots[line, place], token)
            keys = [(r, c) for r, c in expected if r == row and (mask[r, c] or not mask[r].any())]
            self.assertEqual([chosen[key] for key in slots[line][bias[line, place] == 0]], keys)
            if column == 0:
                self.assertEqual(layout.row_slots[row, 0], token)
                real = layout.row_bias[row, 0].numpy() == 0
                self.assertEqual([chosen[key] for key in layout.row_slots[row].numpy()[real]], keys)
        self.assertLess(layout.bias.numpy().min(initial=-1e9), -1e8)

    def test_own_lines_are_the_same_for_any_neighbours(self):
        alone, beside = (layouts.pack(tf.constant(mask), OwnLines(2))[1] for mask in ([[1] * 9], [[1] * 9, [1] * 9]))
        self.assertAllEqual(alone.row_slots[0], beside.row_slots[0])
        self.assertEqual(alone.bias.shape[-1], 16)

    def test_filled_up_tokens_come_in_few_numbers(self):
        packed = tf.function(lambda mask: layouts.pack(mask, OwnLines(2))[0], reduce_retracing=True)
        counts = {len(packed(tf.ones([2, length], tf.int32))) for length in range(256, 512)}  # of 512 to 1024 tokens
        self.assertLen(counts, 33)
        counts = {len(packed(tf.ones([1, length], tf.int32))) for length in range(1, 65)}
        self.assertEqual(counts, set(range(4, 65, 4)))

    @parameterized.parameters(*LINES)
    def test_no_rows(self, lines):
        chosen, layout = layouts.pack(tf.zeros([0, 4], tf.int32), LINES[lines])
        self.assertEqual((len(chosen), len(layout.pooled), len(layout.lengths)), (0, 0, 0))


if __name__ == "__main__":
    tf.test.main()
