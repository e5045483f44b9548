"""Rows that share lines: none overlap, none stick out, and lines are shared only where that is less work."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.inference.packed.row_lines import row_lines


class RowLinesTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(1, 2, 3, 8, 31, 32)
    def test_rows_have_slots_of_their_own(self, rows):
        for seed in range(5):
            lengths = np.random.default_rng(seed).geometric(0.05, rows).clip(1, 128).astype(np.int32)
            lines = row_lines(tf.constant(lengths))
            taken = np.zeros([lines.count, lines.width], int)
            for line, offset, length in zip(lines.line, lines.offset, lengths, strict=True):
                self.assertLessEqual(offset + length, lines.width)
                taken[line, offset : offset + length] += 1
            self.assertEqual(taken.max(), 1)
            self.assertTrue(np.all(taken.any(axis=1)), "an empty line")
            self.assertEqual(taken.sum(), lengths.sum())

    def test_longest_with_shortest(self):
        lines = row_lines(tf.constant([3, 40, 20, 25]))
        self.assertAllEqual(lines.line, [0, 0, 1, 1])
        self.assertAllEqual(lines.offset, [40, 0, 25, 0])
        self.assertEqual((lines.count, lines.width), (2, 45))

    @parameterized.parameters(([7, 7, 7, 7],), ([9],), ([100, 99, 98],))
    def test_rows_of_about_one_length_share_nothing(self, lengths):
        lines = row_lines(tf.constant(lengths))
        self.assertEqual((lines.count, lines.width), (len(lengths), max(lengths)))
        self.assertAllEqual(lines.offset, np.zeros(len(lengths)))
        self.assertAllEqual(sorted(lines.line.numpy()), np.arange(len(lengths)))

    def test_no_rows(self):
        self.assertEqual(row_lines(tf.zeros([0], tf.int32)).count, 0)


if __name__ == "__main__":
    tf.test.main()
