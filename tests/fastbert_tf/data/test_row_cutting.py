"""Cutting paragraphs: every word once and in order, no row too long, rows even, as few as fit."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.data.row_cutting import cut_rows


class RowCuttingTest(tf.test.TestCase, parameterized.TestCase):
    def test_by_hand(self):
        sizes = np.array([1, 1, 1, 2, 2, 2, 2, 9, 1])
        paragraphs = np.array([0, 0, 2, 3, 3, 3, 3, 4, 4])
        first, last = cut_rows(sizes, paragraphs, limit=6)
        # Paragraph 3 has 8 pieces: two rows of 4. The word of 9 fits in no row.
        self.assertEqual(list(zip(first, last, strict=True)), [(0, 2), (2, 3), (3, 5), (5, 7), (8, 9)])

    @parameterized.parameters(5, 20, 126)
    def test_properties(self, limit):
        rng = np.random.default_rng(0)
        sizes = rng.integers(1, 6, 3000)
        paragraphs = np.sort(rng.integers(0, 25, 3000))
        first, last = cut_rows(sizes, paragraphs, limit)
        covered = np.concatenate([np.arange(a, b) for a, b in zip(first, last, strict=True)])
        self.assertAllEqual(covered, np.arange(3000))
        lengths = np.array([sizes[a:b].sum() for a, b in zip(first, last, strict=True)])
        self.assertLessEqual(lengths.max(), limit)
        for paragraph in range(25):
            rows = lengths[paragraphs[first] == paragraph]
            total = sizes[paragraphs == paragraph].sum()
            self.assertLessEqual(len(rows), -(-total // max(limit - 5, 1)))
            if limit == 126:
                self.assertLess(np.ptp(rows[:-1]) if len(rows) > 2 else 0, 10)

    def test_nothing(self):
        for sizes in (np.zeros(0, np.int64), np.array([7])):
            first, last = cut_rows(sizes, np.zeros(len(sizes), np.int64), 3)
            self.assertEqual((first.shape, last.shape), ((0,), (0,)))


if __name__ == "__main__":
    tf.test.main()
