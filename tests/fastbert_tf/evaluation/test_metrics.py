"""Metrics against scikit-learn."""

from __future__ import annotations

import warnings

import numpy as np
import sklearn.metrics
import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.evaluation.metrics import METRICS, check_metrics, compute_metrics

PEERS = {
    "accuracy": sklearn.metrics.accuracy_score,
    "f1": sklearn.metrics.f1_score,
    "matthews": sklearn.metrics.matthews_corrcoef,
}


class MetricsTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.product(name=list(METRICS), seed=[0, 1, 2, 3])
    def test_binary(self, name, seed):
        rng = np.random.default_rng(seed)
        labels = rng.integers(0, 2, 300)
        predictions = np.where(rng.random(300) < 0.7, labels, rng.integers(0, 2, 300))
        self.assertAllClose(METRICS[name](labels, predictions), PEERS[name](labels, predictions), atol=1e-12)

    @parameterized.product(name=["accuracy", "matthews"], classes=[3, 14])
    def test_many_classes(self, name, classes):
        rng = np.random.default_rng(classes)
        labels = rng.integers(0, classes, 500)
        predictions = np.where(rng.random(500) < 0.6, labels, rng.integers(0, classes, 500))
        self.assertAllClose(METRICS[name](labels, predictions), PEERS[name](labels, predictions), atol=1e-12)

    @parameterized.product(
        name=list(METRICS),
        rows=[
            ([0, 0, 0], [0, 0, 0]),  # f1 and matthews are undefined
            ([1, 1, 1], [1, 1, 1]),
            ([0, 1, 0], [0, 0, 0]),
            ([0, 0, 0], [1, 1, 1]),
            ([1], [1]),
        ],
    )
    def test_degenerate(self, name, rows):
        labels, predictions = map(np.asarray, rows)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # scikit-learn warns of the undefined
            expected = PEERS[name](labels, predictions)
        self.assertEqual(METRICS[name](labels, predictions), expected)

    def test_by_hand(self):
        labels, predictions = np.array([1, 1, 0, 0, 1]), np.array([1, 0, 0, 1, 1])
        values = compute_metrics(["f1", "accuracy"], labels, predictions)
        self.assertEqual(list(values), ["f1", "accuracy"])
        self.assertAllClose(values, {"f1": 4 / 6, "accuracy": 3 / 5})

    def test_unknown_name(self):
        with self.assertRaisesRegex(ValueError, "unknown metric 'recall'; choose from accuracy, f1, matthews"):
            check_metrics(["accuracy", "recall"], 2)

    def test_f1_is_binary(self):
        with self.assertRaisesRegex(ValueError, "f1 needs 2 classes, but the model has 3"):
            check_metrics(["f1"], 3)


if __name__ == "__main__":
    tf.test.main()
