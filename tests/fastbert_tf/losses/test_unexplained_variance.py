"""The share of variance that predictions leave unexplained."""

import numpy as np
import tensorflow as tf

from fastbert_tf.losses import unexplained_variance

RNG = np.random.default_rng(0)
TARGETS, PREDICTIONS = RNG.normal(3, 2, (4, 5, 6)), RNG.normal(size=(4, 5, 6))
MASK = (np.arange(5) < np.array([[5], [3], [1], [2]])).astype(np.int32)


class UnexplainedVarianceTest(tf.test.TestCase):
    def test_formula(self):
        targets, predictions = TARGETS[MASK == 1], PREDICTIONS[MASK == 1]
        expected = np.square(targets - predictions).sum() / np.square(targets - targets.mean(0)).sum()
        self.assertAllClose(unexplained_variance(TARGETS, PREDICTIONS, MASK), expected, rtol=1e-5)

    def test_ends_of_the_scale(self):
        self.assertAllEqual(unexplained_variance(TARGETS, TARGETS, MASK), 0.0)
        mean = np.broadcast_to(TARGETS[MASK == 1].mean(0), TARGETS.shape)
        self.assertAllClose(unexplained_variance(TARGETS, mean, MASK), 1.0)
        self.assertAllClose(unexplained_variance(100 * TARGETS, 100 * PREDICTIONS, MASK),
                            unexplained_variance(TARGETS, PREDICTIONS, MASK))  # fmt: skip

    def test_masked_vectors_do_not_count(self):
        other = np.where(MASK[..., None] == 1, PREDICTIONS, 1e6)
        self.assertAllEqual(
            unexplained_variance(TARGETS, other, MASK), unexplained_variance(TARGETS, PREDICTIONS, MASK)
        )
        self.assertAllEqual(unexplained_variance(TARGETS, PREDICTIONS, np.zeros_like(MASK)), 0.0)

    def test_half_precision_is_computed_in_float32(self):
        targets, predictions = (tf.cast(values, tf.bfloat16) for values in (TARGETS, PREDICTIONS))
        found = unexplained_variance(targets, predictions, MASK)
        self.assertEqual(found.dtype, tf.float32)
        self.assertAllClose(found, unexplained_variance(TARGETS, PREDICTIONS, MASK), rtol=0.01)


if __name__ == "__main__":
    tf.test.main()
