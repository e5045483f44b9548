"""The comparison of branch shapes, on curves written by hand."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import tensorflow as tf
from harness import branch_shapes
from made_outputs import CONFIG, made_outputs

from fastbert_tf.evaluation import Report, executed_flops, speed_curve, uncertainty_profile, write_report
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
        settings = {"training_rows": {"count": 900}, "selection_rows": {"count": 90}, "training": {"seed": 3}}
        curves = [evaluation(width).curve for width in (4, 8)]
        text = branch_shapes.section(branch_shapes.Comparison({**settings, "judged": 50}, curves))
        self.assertIn("Seed 3, 900 training rows, 90 more that select the\nbest epoch; 50 others", text)
        rows = [line.split(" | ") for line in text.splitlines() if line.startswith(("| 4 x 2 ", "| 8 x 2 "))]
        self.assertEqual(rows[0][2], rows[1][2])  # full depth
        self.assertLess(float(rows[1][3]), float(rows[0][3]))

    def test_runs_that_differ_in_more_than_branches_are_refused(self):
        folder = Path(self.get_temp_dir())
        self.assertIsNone(branch_shapes.stored(folder))
        for width, seed in ((8, 0), (4, 0), (2, 1)):
            run = write_report(evaluation(width), folder / f"{width}x2")
            (run / "settings.json").write_text(json.dumps({"branches": {"dim": width}, "training": {"seed": seed}}))
            if seed == 0:
                found = branch_shapes.stored(folder)
        self.assertEqual(found.settings, {"training": {"seed": 0}, "judged": 50})
        self.assertEqual([curve.config.branch_dim for curve in found.curves], [4, 8])
        with self.assertRaisesRegex(ValueError, "differ in more than their branches"):
            branch_shapes.stored(folder)


if __name__ == "__main__":
    tf.test.main()
