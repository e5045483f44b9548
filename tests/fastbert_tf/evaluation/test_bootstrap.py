"""Bootstrap intervals, against rows drawn one by one and metrics of those rows."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.config import BackboneConfig, FastBertConfig
from fastbert_tf.evaluation import (
    BranchOutputs,
    SpeedCurve,
    bootstrap,
    depth_table,
    metric_intervals,
    plots,
    speed_table,
)
from fastbert_tf.evaluation import speed_curve as evaluation_curve
from fastbert_tf.evaluation.metrics import METRICS
from fastbert_tf.inference import NormalizedEntropy

CONFIG = FastBertConfig(BackboneConfig(100, 3, 2, 16, 32), num_classes=2, branch_dim=8)


def made_up(rows: int = 80, classes: int = 2):
    """Labels, and answers that are right three times in four."""
    rng = np.random.default_rng(3)
    labels = rng.integers(0, classes, rows)
    first, second = (np.where(rng.random(rows) < 0.75, labels, rng.integers(0, classes, rows)) for _ in range(2))
    return labels, first, second


def drawn_one_by_one(metric, labels, predictions, reference=None, draws=4000):
    """The same intervals, the slow way."""
    rng, values = np.random.default_rng(8), []
    for _ in range(draws):
        rows = rng.integers(0, len(labels), len(labels))
        value = METRICS[metric](labels[rows], predictions[rows])
        values.append(value if reference is None else value - METRICS[metric](labels[rows], reference[rows]))
    return np.quantile(values, (0.025, 0.975))


class BootstrapTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(("accuracy", 3), ("f1", 2), ("matthews", 3))
    def test_rows_drawn_one_by_one(self, metric, classes):
        labels, first, second = made_up(classes=classes)
        for reference in (None, second):
            found = metric_intervals((metric,), labels, first, reference, draws=4000)[metric]
            self.assertAllClose(found, drawn_one_by_one(metric, labels, first, reference), atol=0.02)

    @parameterized.parameters(("accuracy", 4), ("f1", 2), ("matthews", 4))
    def test_each_draw_is_the_metric_of_its_rows(self, metric, classes):
        labels, first, _ = made_up(12, classes)
        counts = np.random.default_rng(1).integers(0, 3, (50, 12))
        counts[0], counts[1] = labels == 0, first == 0  # one class alone: undefined for some
        found = bootstrap._DRAWN[metric](counts.astype(float), labels, first)
        expected = [METRICS[metric](np.repeat(labels, count), np.repeat(first, count)) for count in counts]
        self.assertAllClose(found, expected)

    def test_certain_answers(self):
        labels, first, _ = made_up()
        self.assertEqual(metric_intervals(("accuracy",), labels, labels), {"accuracy": (1, 1)})
        self.assertEqual(metric_intervals(("f1",), labels, first, first), {"f1": (0, 0)})

    def test_narrower_with_more_rows_and_the_same_again(self):
        labels, first, _ = made_up(100)
        few = metric_intervals(("accuracy",), labels, first)["accuracy"]
        many = metric_intervals(("accuracy",), np.tile(labels, 16), np.tile(first, 16))["accuracy"]
        self.assertAllClose(few[1] - few[0], 4 * (many[1] - many[0]), rtol=0.15)  # by the root of 16
        self.assertEqual(few, metric_intervals(("accuracy",), labels, first)["accuracy"])

    def test_bad_inputs(self):
        labels, first, _ = made_up()
        with self.assertRaisesRegex(ValueError, "at least 1 draw and 1 row, but has 0 and 80"):
            metric_intervals(("accuracy",), labels, first, draws=0)
        with self.assertRaisesRegex(ValueError, "at least 1 draw and 1 row, but has 2000 and 0"):
            metric_intervals(("accuracy",), labels[:0], first[:0])
        with self.assertRaisesRegex(ValueError, "unknown metric 'recall'"):
            metric_intervals(("recall",), labels, first)
        with self.assertRaisesRegex(ValueError, "f1 needs 2 classes, but the model has 3"):
            metric_intervals(("f1",), *made_up(classes=3)[:2])


class CurveTest(tf.test.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        probabilities = np.random.default_rng(0).dirichlet((0.4, 0.4), (60, 3)).astype(np.float32)
        labels = np.where(np.arange(60) % 4 > 0, probabilities[:, 2].argmax(axis=1), 0).astype(np.int32)
        cls.outputs = BranchOutputs(probabilities, labels, np.full(60, 7, np.int32))
        cls.curve = cls.draw(300)

    @classmethod
    def draw(cls, draws, metrics=("accuracy", "f1")):
        return evaluation_curve(cls.outputs, NormalizedEntropy(), CONFIG, metrics, (0, 0.5, 1), draws=draws)

    def test_every_point_has_the_interval_of_its_answers(self):
        curve, outputs = self.curve, self.outputs
        self.assertEqual(curve.draws, 300)
        for layer, point in enumerate(curve.fixed_depths):
            expected = metric_intervals(("accuracy", "f1"), outputs.labels, outputs.predictions[:, layer], draws=300)
            self.assertEqual(point.intervals, expected)
        for point in (curve.full_depth, *curve.points):
            for metric, (low, high) in point.intervals.items():
                self.assertBetween(point.metrics[metric], low, high)
                self.assertLess(low, high)

    def test_round_trip_and_older_files(self):
        stored = json.loads(json.dumps(self.curve.to_dict()))
        self.assertEqual(SpeedCurve.from_dict(stored), self.curve)
        del stored["draws"]
        for point in (stored["full_depth"], *stored["points"], *stored["fixed_depths"]):
            del point["intervals"]
        self.assertEqual(SpeedCurve.from_dict(stored), self.draw(0))

    def test_tables_show_them_beside_the_metric(self):
        low, high = self.curve.points[1].intervals["f1"]
        lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in speed_table(self.curve).splitlines()]
        self.assertEqual(lines[0][:6], ["speed", "accuracy", "95 %", "f1", "95 %", "mean layer"])
        self.assertEqual(lines[4][4], f"{low:.3f} - {high:.3f}")
        self.assertEqual(depth_table(self.curve).count(" - "), 6)
        self.assertNotIn("95 %", speed_table(self.draw(0)))

    def test_plots_shade_them(self):
        for plot in (plots.plot_speed_accuracy, plots.plot_speedup_accuracy):
            (band,) = plot({"a": self.curve}).axes[0].collections
            heights = band.get_paths()[0].vertices[:, 1]
            ends = [end for point in self.curve.points for end in point.intervals["accuracy"]]
            self.assertAllClose([heights.min(), heights.max()], [min(ends), max(ends)])
            self.assertEmpty(plot({"a": self.draw(0)}).axes[0].collections)

    def test_unlabelled_rows_and_bad_draws(self):
        unlabelled = evaluation_curve(replace(self.outputs, labels=None), NormalizedEntropy(), CONFIG, (), draws=300)
        self.assertEqual((unlabelled.draws, unlabelled.full_depth.intervals), (0, None))
        with self.assertRaisesRegex(ValueError, "draws must be at least 0, but is -1"):
            self.draw(-1)


if __name__ == "__main__":
    tf.test.main()
