"""Normalised entropy, by hand and by SciPy."""

from __future__ import annotations

import math

import numpy as np
import scipy.stats
import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.inference import normalized_entropy


class NormalizedEntropyTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(
        ([1.0, 0.0], 0.0),
        ([0.5, 0.5], 1.0),
        ([0.25, 0.75], 0.8112781244591328),  # bits: 1/4 log 4 + 3/4 log 4/3
        ([0.5, 0.25, 0.25], 1.5 / math.log2(3)),
        ([0.5, 0.25, 0.125, 0.125], 1.75 / 2),
        ([0.0, 0.5, 0.5, 0.0], 1 / 2),
    )
    def test_by_hand(self, probabilities, expected):
        self.assertAllClose(normalized_entropy(np.float32([probabilities])), [expected], atol=1e-6)

    @parameterized.parameters(2, 3, 10, 1000)
    def test_0_is_certain_and_1_is_uniform(self, classes):
        certain = np.eye(classes, dtype=np.float32)
        self.assertAllEqual(normalized_entropy(certain), np.zeros(classes))
        uniform = np.full((1, classes), 1 / classes, np.float32)
        self.assertAllClose(normalized_entropy(uniform), [1.0], atol=1e-6)

    @parameterized.parameters(2, 5, 14)
    def test_equals_scipy(self, classes):
        probabilities = np.random.default_rng(0).dirichlet(np.full(classes, 0.3), size=(20, 6))
        uncertainty = normalized_entropy(probabilities.astype(np.float32)).numpy()
        self.assertEqual(uncertainty.shape, (20, 6))
        self.assertEqual(uncertainty.dtype, np.float32)
        self.assertAllClose(uncertainty, scipy.stats.entropy(probabilities, base=classes, axis=-1), atol=1e-5)

    def test_never_leaves_its_range(self):
        """Float32 distributions sum to 1 only nearly."""
        rng = np.random.default_rng(1)
        logits = rng.normal(size=(10_000, 3)) * rng.choice([1e-4, 1, 1e3], (10_000, 1))
        uncertainty = normalized_entropy(tf.nn.softmax(tf.constant(logits, tf.float32))).numpy()
        self.assertBetween(uncertainty.min(), 0, 1)
        self.assertBetween(uncertainty.max(), 0, 1)

    def test_tiny_probabilities(self):
        self.assertAllClose(normalized_entropy(np.float32([[1.0, 1e-38]])), [0.0], atol=1e-6)


if __name__ == "__main__":
    tf.test.main()
