"""The comparison of branch shapes, on curves written by hand."""

import dataclasses

import numpy as np
import tensorflow as tf
from harness import branch_shapes
from made_outputs import CONFIG, made_outputs

from fastbert_tf.evaluation import Report, executed_flops, speed_curve, uncertainty_profile
from fastbert_tf.inference import NormalizedEntropy


def evaluation(branch_dim):
    outputs, rule = made_outputs(50), NormalizedEntropy()
    config = dataclasses.replace(CONFIG, branch_dim=branch_dim)
    curve = speed_curve(outputs, rule, config, ["accuracy"], [0.0, 0.5, 1.0], draws=10)
    return Report("made up", curve, uncertainty_profile(outputs, rule))


class BranchShapesTest(tf.test.TestCase):
    def test_a_layer_and_a_branch_are_what_rows_pay(self):
        curve = evaluation(4).curve
        layer, branch = branch_shapes.layer_and_branch(curve)
        paid = executed_flops(curve.config, [1, 2, 3], 9)
        self.assertAllEqual(paid, [layer + branch, 2 * (layer + branch), 3 * (layer + branch)])

    def test_accuracies_lie_between_points(self):
        curve = evaluation(4).curve
        cheap, dear = (curve.points[place] for place in (-1, 0))
        middle = branch_shapes.accuracies(
            dataclasses.replace(curve, points=(dear, cheap)),
            [cheap.executed_flops, (cheap.executed_flops + dear.executed_flops) / 2, 1e9],
        )
        ends = [cheap.metrics["accuracy"], dear.metrics["accuracy"]]
        self.assertAllClose(middle, [ends[0], sum(ends) / 2, ends[1]])
        self.assertAllEqual(np.isnan(branch_shapes.accuracies(curve, [cheap.executed_flops - 1])), [True])

    def test_a_wider_branch_pays_for_itself(self):
        """The same answers are worth less where branches cost more."""
        narrow, wide = (evaluation(width) for width in (4, 8))
        text = branch_shapes.section([narrow, wide])
        rows = [line.split(" | ") for line in text.splitlines() if line.startswith(("| 4 x 2 ", "| 8 x 2 "))]
        self.assertEqual(rows[0][2], rows[1][2])  # full depth
        self.assertLess(float(rows[1][3]), float(rows[0][3]))


if __name__ == "__main__":
    tf.test.main()
