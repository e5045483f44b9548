"""Wall-clock measurement: the arithmetic with a fake clock, the graphs with a small model."""

from __future__ import annotations

import json
from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.config import BackboneConfig, FastBertConfig
from fastbert_tf.evaluation import Latency, latency, latency_table, measure_latency, predict_branches
from fastbert_tf.inference import FloatStack, NormalizedEntropy, simulate
from fastbert_tf.models import FastBert

CONFIG = FastBertConfig(BackboneConfig(30, 2, 2, 8, 16, max_sequence_length=12), 2, branch_dim=4, branch_heads=2)


def batches() -> list:
    """Two batches of 3 rows and one of 1."""
    rng = np.random.default_rng(0)
    ids = [rng.integers(1, 30, shape).astype(np.int32) for shape in ((3, 5), (3, 9), (1, 2))]
    features = [{"token_ids": x, "segment_ids": np.zeros_like(x), "padding_mask": np.ones_like(x)} for x in ids]
    return [(features[0], np.zeros(3, np.int32)), features[1], features[2]]


class LatencyTest(tf.test.TestCase, parameterized.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        keras.utils.set_random_seed(0)
        cls.stack = FloatStack(FastBert.from_fastbert_config(CONFIG))

    def test_measures_the_real_graphs(self):
        found = measure_latency(self.stack, NormalizedEntropy(), batches(), speeds=[1.0, 0.0], repeats=2)
        self.assertEqual([result.speed for result in found], [0.0, 1.0])
        rows = [batch[0] if isinstance(batch, tuple) else batch for batch in batches()]
        probabilities = predict_branches(self.stack, rows).probabilities
        for result in found:
            self.assertEqual((result.batch_size, result.rows, result.repeats), (3, 7, 2))
            self.assertGreater(result.adaptive_ms, 0)
            self.assertAllClose(result.speedup, result.full_depth_ms / result.adaptive_ms)
            expected = simulate(NormalizedEntropy(), probabilities, result.speed)["exit_layer"].mean()
            self.assertAllClose(result.mean_exit_layer, expected)
            self.assertEqual(Latency.from_dict(json.loads(json.dumps(result.to_dict()))), result)
            self.assertIn(f"TensorFlow {tf.__version__}", result.machine)

    def test_medians_summed_over_batches(self):
        """The first timing of every graph on every batch is an outlier; the median of three drops it."""
        calls = [lambda features: "full", lambda features: "fast"]
        seen = {}

        def fake_time(call, features):
            key = (call({}), features["rows"])
            seen[key] = seen.get(key, 0) + 1
            seconds = {"full": 3.0, "fast": 1.0}[key[0]] * key[1]
            return 100.0 if seen[key] == 1 else seconds

        with mock.patch.object(latency, "_time", fake_time):
            seconds = latency._seconds(calls, [{"rows": 2}, {"rows": 1}], repeats=3)
        self.assertAllClose(seconds, [9.0, 3.0])
        self.assertEqual(set(seen.values()), {3})

    def test_turns_rotate(self):
        order = []
        calls = [lambda features: "full", lambda features: "fast"]
        with mock.patch.object(latency, "_time", lambda call, features: order.append(call({})) or 1.0):
            latency._seconds(calls, [{}], repeats=2)
        self.assertEqual(order, ["full", "fast", "fast", "full"])

    def test_table(self):
        result = Latency(32, 0.5, 10.0, 4.0, 2.5, 3.25, 64, 5, "2 processors")
        head, rule, row = latency_table([result]).splitlines()
        self.assertEqual(len({len(head), len(rule), len(row)}), 1)
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        self.assertEqual(cells, ["32", "0.5", "3.25", "10.00", "4.00", "2.50x"])

    def test_errors(self):
        with self.assertRaisesRegex(ValueError, "no batch to time"):
            measure_latency(self.stack, NormalizedEntropy(), [])
        with self.assertRaisesRegex(ValueError, "repeats must be at least 1, but is 0"):
            measure_latency(self.stack, NormalizedEntropy(), batches(), repeats=0)
        with self.assertRaisesRegex(ValueError, r"speed must be in \[0, 1\]"):
            measure_latency(self.stack, NormalizedEntropy(), batches(), speeds=[2.0])


if __name__ == "__main__":
    tf.test.main()
