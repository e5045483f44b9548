"""The speed curve of four rows and two layers, worked out by hand."""

from __future__ import annotations

import json

import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from keras import ops

from fastbert_tf.config import BackboneConfig, FastBertConfig
from fastbert_tf.evaluation import BranchOutputs, SpeedCurve, speed_curve
from fastbert_tf.evaluation.speed_curve import DEFAULT_SPEEDS
from fastbert_tf.inference import ExitPolicy, ExitSchedule, NormalizedEntropy, simulate

CONFIG = FastBertConfig(BackboneConfig(10, 2, 2, 4, 8), num_classes=2, branch_dim=2, branch_heads=1)
# Uncertainty of (0.5, 0.5) is 1, of (0.9, 0.1) 0.469, of (0.99, 0.01) 0.081.
PROBABILITIES = np.array(
    [
        [[0.01, 0.99], [0.01, 0.99]],  # sure at once, right
        [[0.10, 0.90], [0.99, 0.01]],  # fairly sure and wrong, then right
        [[0.50, 0.50], [0.10, 0.90]],  # no idea (says 0), then right
        [[0.90, 0.10], [0.90, 0.10]],  # fairly sure and wrong, twice
    ],
    np.float32,
)
LABELS = np.array([1, 0, 1, 1], np.int32)
# Paper FLOPs at 3 tokens: a layer 2 * 3 * (4*16 + 2*32) = 768, a branch 2 * (3*8 + 3*16 + 4) = 152.
LAYER, BRANCH = 768, 152
# Executed FLOPs at 1 and 2 tokens: linear 256 a token and products 16 * tokens^2;
# branch 2 * (tokens * 8 + 2 * tokens * 2 + 2*4 + 4).
LAYERS, BRANCHES = np.array([272, 576]), np.array([48, 72])


def outputs(labels: np.ndarray | None = LABELS) -> BranchOutputs:
    return BranchOutputs(PROBABILITIES, labels, np.array([1, 1, 2, 1], np.int32))


def curve(speeds=(0.0, 0.3, 0.5, 1.0), metrics=("accuracy",), labels: np.ndarray | None = LABELS) -> SpeedCurve:
    return speed_curve(outputs(labels), NormalizedEntropy(), CONFIG, metrics, speeds, sequence_length=3)


class SpeedCurveTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(
        (0.0, [2, 2, 2, 2], 0.75),
        (0.3, [1, 2, 2, 2], 0.75),
        (0.5, [1, 1, 2, 1], 0.5),
        (1.0, [1, 1, 2, 1], 0.5),  # uncertainty 1 is not below speed 1
    )
    def test_by_hand(self, speed, exit_layers, accuracy):
        (point,) = curve([speed]).points
        layers = np.array(exit_layers)
        self.assertEqual(point.speed, speed)
        self.assertEqual(point.metrics, {"accuracy": accuracy})
        self.assertEqual(point.exit_layers, ((layers == 1).sum(), (layers == 2).sum()))
        self.assertEqual(point.mean_exit_layer, layers.mean())
        paper = layers.mean() * (LAYER + BRANCH)
        self.assertAllClose(point.paper_flops, paper)
        self.assertAllClose(point.paper_speedup, (2 * LAYER + BRANCH) / paper)
        tokens = np.array([1, 1, 2, 1]) - 1
        branches = layers if speed > 0 else 1  # at speed 0 the teacher alone is asked
        executed = layers * LAYERS[tokens] + branches * BRANCHES[tokens]
        self.assertAllClose(point.executed_flops, executed.mean())
        self.assertAllClose(point.executed_speedup, (2 * LAYERS + BRANCHES)[tokens].sum() / executed.sum())

    def test_full_depth_is_the_teacher_without_students(self):
        reference = curve().full_depth
        self.assertIsNone(reference.speed)
        self.assertEqual(reference.metrics, {"accuracy": 0.75})
        self.assertEqual(reference.exit_layers, (0, 4))
        self.assertEqual(reference.paper_flops, 2 * LAYER + BRANCH)
        self.assertAllClose(reference.executed_flops, np.mean((2 * LAYERS + BRANCHES)[[0, 0, 1, 0]]))
        self.assertEqual((reference.paper_speedup, reference.executed_speedup), (1, 1))

    def test_fixed_depths(self):
        first, second = curve().fixed_depths
        self.assertEqual(first.metrics, {"accuracy": 0.25})
        self.assertEqual(second.metrics, {"accuracy": 0.75})
        self.assertEqual(first.paper_flops, LAYER + BRANCH)
        self.assertEqual(second.paper_flops, 2 * (LAYER + BRANCH))
        self.assertEqual(first.exit_layers, (4, 0))

    def test_metrics_of_every_point(self):
        found = curve(metrics=("f1", "matthews", "accuracy"))
        self.assertEqual(found.metric_names, ("f1", "matthews", "accuracy"))
        self.assertEqual(list(found.points[0].metrics), ["f1", "matthews", "accuracy"])
        self.assertAllClose(found.points[0].metrics["f1"], 4 / 5)  # says 1 0 1 0, true 1 0 1 1
        self.assertAllClose(found.points[0].metrics["matthews"], 1 / 3**0.5)

    def test_lengths_and_rows(self):
        found = curve()
        self.assertEqual((found.rows, found.mean_length, found.mean_padded_length), (4, 1.25, None))
        self.assertEqual((found.policy, found.sequence_length), ("NormalizedEntropy", 3))

    def test_default_speeds(self):
        found = speed_curve(outputs(), NormalizedEntropy(), CONFIG)
        self.assertEqual([point.speed for point in found.points], list(DEFAULT_SPEEDS))
        self.assertAllClose(DEFAULT_SPEEDS, np.linspace(0, 1, 11))
        self.assertEqual(found.sequence_length, 128)

    def test_speeds_rise(self):
        self.assertEqual([point.speed for point in curve([0.5, 0, 0.5]).points], [0.0, 0.5])

    def test_uses_the_policy_object(self):
        class Always(ExitPolicy):
            def doubt(self, said, layer):
                return ops.zeros_like(said[-1][:, 0])

        found = speed_curve(outputs(), Always(), CONFIG, speeds=[0.1])
        self.assertEqual(found.points[0].exit_layers, (4, 0))
        self.assertEqual(found.policy, "Always")
        self.assertAllEqual(simulate(Always(), PROBABILITIES, 0.1)["exit_layer"], [1, 1, 1, 1])

    def test_only_exits_that_are_on(self):
        found = speed_curve(
            outputs(), NormalizedEntropy(), CONFIG, speeds=[0.0, 0.5], sequence_length=3, schedule=ExitSchedule((2,))
        )
        for point in found.points:
            self.assertEqual(point.exit_layers, (0, 4))
            self.assertEqual(point.metrics, {"accuracy": 0.75})
            self.assertEqual(point.paper_flops, 2 * LAYER + BRANCH)  # the teacher's branch alone
            self.assertAllClose(point.executed_speedup, 1)
        with self.assertRaisesRegex(ValueError, "the model's last layer 2"):
            speed_curve(outputs(), NormalizedEntropy(), CONFIG, schedule=ExitSchedule((1,)))

    def test_unlabelled(self):
        found = curve(metrics=(), labels=None)
        self.assertEqual(found.points[1].metrics, {})
        self.assertEqual(found.points[1].exit_layers, (1, 3))
        with self.assertRaisesRegex(ValueError, r"metrics accuracy need labels, .* pass metrics=\(\)"):
            curve(labels=None)

    @parameterized.parameters(-0.1, 1.1, float("nan"), float("inf"))
    def test_speed_out_of_range(self, speed):
        with self.assertRaisesRegex(ValueError, r"speed must be in \[0, 1\], but is"):
            curve([0.5, speed])

    def test_no_speed(self):
        with self.assertRaisesRegex(ValueError, "no speed to evaluate at"):
            curve([])

    def test_config_of_another_model(self):
        other = FastBertConfig(BackboneConfig(10, 3, 2, 4, 8), num_classes=2)
        with self.assertRaisesRegex(ValueError, "outputs are of 2 layers and 2 classes, but the config says 3 and 2"):
            speed_curve(outputs(), NormalizedEntropy(), other)


class SpeedCurveJsonTest(tf.test.TestCase, parameterized.TestCase):
    def test_round_trip(self):
        for found in (curve(metrics=("accuracy", "f1")), curve(metrics=(), labels=None)):
            text = json.dumps(found.to_dict(), allow_nan=False)
            self.assertEqual(SpeedCurve.from_dict(json.loads(text)), found)
            self.assertEqual(json.loads(text)["schema_version"], 1)

    @parameterized.parameters(0, 2, None, "1")
    def test_other_schema(self, version):
        with self.assertRaisesRegex(
            ValueError, f"speed curve has schema_version {version!r}, but this release reads 1"
        ):
            SpeedCurve.from_dict({**curve().to_dict(), "schema_version": version})

    def test_wrong_fields(self):
        values = curve().to_dict()
        del values["rows"]
        del values["mean_padded_length"]  # has a default
        with self.assertRaisesRegex(ValueError, r"SpeedCurve has unknown or missing fields \['lines', 'rows'\]"):
            SpeedCurve.from_dict({**values, "lines": 1})
        values = curve().to_dict()
        values["points"][0].pop("speed")
        with self.assertRaisesRegex(ValueError, r"OperatingPoint has unknown or missing fields \['speed'\]"):
            SpeedCurve.from_dict(values)
        with self.assertRaisesRegex(ValueError, "OperatingPoint must be a JSON object, but is 7"):
            SpeedCurve.from_dict({**curve().to_dict(), "points": [7]})


if __name__ == "__main__":
    tf.test.main()
