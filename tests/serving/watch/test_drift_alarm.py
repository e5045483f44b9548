"""The drift alarm: quiet by chance, loud for a change."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from fake_backend import LAYERS, manifest

from fastbert_serving.backend import ServedVersion
from fastbert_serving.watch.drift_alarm import DriftAlarm
from fastbert_serving.watch.exit_curve import ExitCurve

COUNTS = {0.0: [0, 0, 0, 1000], 0.5: [100, 300, 400, 200], 1.0: [900, 100, 0, 0]}
CURVE = {"points": [{"speed": speed, "exit_layers": counts} for speed, counts in COUNTS.items()]}


def served(version=3, curve=CURVE):
    return ServedVersion("films", version, {}, manifest(curve=curve))


def layers(shares, rows, random):
    return random.choice(np.arange(1, LAYERS + 1), size=rows, p=np.asarray(shares) / np.sum(shares))


class ExitCurveTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(
        (0.0, [0, 0, 0, 1]),
        (0.5, [0.1, 0.3, 0.4, 0.2]),
        (1.0, [0.9, 0.1, 0, 0]),
        (0.25, [0.05, 0.15, 0.2, 0.6]),  # half way
        (0.9, [0.74, 0.14, 0.08, 0.04]),
    )
    def test_shares_are_straight_between_points(self, speed, shares):
        curve = ExitCurve.of(manifest(curve=CURVE))
        self.assertAllClose(curve.expected(np.float32([speed])), shares)
        self.assertAllClose(curve.expected(np.float32([speed, 1.0])), np.add(shares, [0.9, 0.1, 0, 0]))
        self.assertEqual(curve.rows, 1000)

    def test_one_point_holds_everywhere(self):
        curve = ExitCurve.of(manifest(curve={"points": CURVE["points"][1:2]}))
        self.assertAllClose(curve.expected(np.float32([0, 1])), [0.2, 0.6, 0.8, 0.4])

    @parameterized.parameters(
        (None,),
        ({"points": [{"speed": 0.5}]},),
        ({"points": [{"speed": 0.5, "exit_layers": [1, 2]}]},),  # of another model
        ({"points": [{"speed": 0.5, "exit_layers": [0, 0, 0, 0]}]},),
    )
    def test_manifest_without_exit_layers(self, curve):
        self.assertIsNone(ExitCurve.of(manifest(curve=curve)))


class DriftAlarmTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.random = np.random.default_rng(1)
        self.now = 0.0
        self.alarm = DriftAlarm(window_rows=2000, clock=lambda: self.now)

    def feed(self, shares, speeds=0.5, windows=1, version=3, curve=CURVE):
        for _ in range(windows * 20):
            rows = layers(shares, 100, self.random)
            self.alarm.observe(served(version, curve), np.full(100, speeds, np.float32), rows)

    def state(self):
        drift, alarm = self.alarm.collect()
        return [
            (sample.labels["version"], sample.value, bool(alarmed.value))
            for sample, alarmed in zip(drift.samples, alarm.samples, strict=True)
        ]

    def test_same_distribution_gives_no_alarm(self):
        with self.assertNoLogs("absl", "WARNING"):
            for _ in range(50):
                self.feed(COUNTS[0.5])
                self.assertFalse(self.state()[0][2])
            self.feed(COUNTS[0.0], speeds=0.0)

    def test_mixed_speeds_are_expected_where_they_are(self):
        speeds = np.float32([0.0] * 50 + [1.0] * 50)
        for _ in range(20):
            rows = np.concatenate([layers(COUNTS[speed], 50, self.random) for speed in (0.0, 1.0)])
            self.alarm.observe(served(), speeds, rows)
        self.assertLess(self.state()[0][1], 0.02)

    def test_other_distribution_raises_the_alarm_and_the_old_one_ends_it(self):
        with self.assertLogs("absl", "WARNING") as logged:
            self.feed([1, 1, 1, 7], windows=2)
            version, drift, is_alarmed = self.state()[0]
            self.assertEqual((version, is_alarmed), ("3", True))
            self.assertNear(drift, 0.5, 0.03)  # |0.1-0.1| + |0.1-0.3| + |0.1-0.4| + |0.7-0.2|, halved
            self.feed(COUNTS[0.5])
        self.assertFalse(self.state()[0][2])
        self.assertLen(logged.output, 2)
        self.assertIn("model films version 3 have drifted", logged.output[0])
        self.assertIn("again near", logged.output[1])

    def test_threshold_bounds_what_chance_does(self):
        """Two samples of one distribution are closer than the threshold allows without its tolerance."""
        curve = ExitCurve.of(manifest(curve=CURVE))
        bound = DriftAlarm(tolerance=0.0).threshold(2000, curve)
        shares = np.full(LAYERS, 1 / LAYERS)  # the widest scatter
        here = self.random.multinomial(2000, shares, 20_000) / 2000
        there = self.random.multinomial(curve.rows, shares, 20_000) / curve.rows
        self.assertLess((abs(here - there).sum(1) / 2).max(), bound)
        self.assertLess(bound, 0.2)

    def test_versions_are_watched_apart(self):
        self.feed([7, 1, 1, 1], version=3)
        self.feed(COUNTS[0.5], version=4)
        self.assertEqual([(version, alarm) for version, _, alarm in self.state()], [("3", True), ("4", False)])
        for version in range(100, 300):
            self.feed(COUNTS[0.5], version=version)
        self.assertLessEqual(len(self.state()), 64)

    def test_the_alarm_of_a_replaced_version_ends(self):
        self.feed([7, 1, 1, 1], version=3, windows=2)
        for _ in range(20):
            self.now += 60
            self.feed(COUNTS[0.5], version=4)
        self.assertEqual([(version, alarm) for version, _, alarm in self.state()], [("4", False)])
        self.now += 60
        self.alarm.observe(served(version=3), np.float32([0.5]), np.int32([1]))  # it answers again
        self.assertEqual([(version, alarm) for version, _, alarm in self.state()], [("3", True), ("4", False)])

    def test_another_manifest_under_the_same_number(self):
        points = [{"speed": 0.5, "exit_layers": [700, 100, 100, 100]}]
        self.feed([7, 1, 1, 1])
        self.assertTrue(self.state()[0][2])
        self.feed([7, 1, 1, 1], curve={"points": points})
        ((_, drift, is_alarmed),) = self.state()
        self.assertLess(drift, 0.05)
        self.assertFalse(is_alarmed)

    def test_a_manifest_that_comes_late(self):
        self.feed([7, 1, 1, 1], curve=None)
        self.assertEmpty(self.state())
        self.feed([7, 1, 1, 1])
        self.assertTrue(self.state()[0][2])

    def test_what_cannot_be_watched(self):
        self.alarm.observe(served(curve=None), np.float32([0.5]), np.int32([1]))
        self.alarm.observe(ServedVersion("x", 1, {}, None), np.float32([0.5]), np.int32([1]))
        self.alarm.observe(served(), np.float32([]), np.int32([]))
        self.assertEmpty(self.state())

    @parameterized.parameters(0, LAYERS + 1, -5)
    def test_layers_that_the_model_has_not_are_drift(self, layer):
        self.alarm.observe(served(), np.full(2000, 0.5, np.float32), np.full(2000, layer, np.int32))
        ((_, drift, is_alarmed),) = self.state()
        self.assertAlmostEqual(drift, 1.0)
        self.assertTrue(is_alarmed)

    @parameterized.parameters(({"window_rows": 0}, "window_rows"), ({"tolerance": 2}, "tolerance must be in"))
    def test_arguments(self, arguments, words):
        with self.assertRaisesRegex(ValueError, words):
            DriftAlarm(**arguments)


if __name__ == "__main__":
    tf.test.main()
