"""What is measured of a task, on outputs whose figures follow by hand."""

import numpy as np
import tensorflow as tf
from harness.reproduction import measures, verdicts
from harness.reproduction.verdicts import HOLDS, OPEN
from made_outputs import CONFIG, made_outputs

from fastbert_tf.config import BackboneConfig, FastBertConfig
from fastbert_tf.evaluation import BranchOutputs, executed_flops, paper_flops, uncertainty_profile
from fastbert_tf.inference import NormalizedEntropy


class MeasuresTest(tf.test.TestCase):
    """Two rows of 2 classes and 3 layers, at one speed."""

    def setUp(self):
        super().setUp()
        sure, unsure, wrong = [0.999, 0.001], [0.6, 0.4], [0.3, 0.7]
        said = np.array([[sure, sure, sure], [wrong, unsure, sure]], np.float32)
        self.outputs = BranchOutputs(said, np.array([0, 0], np.int32), np.array([9, 5], np.int32))

    def test_ways_by_hand(self):
        ways = measures.adaptive(self.outputs, CONFIG, speeds=[0.5, 1.0])
        self.assertAllEqual(ways.right, [[True, True, True], [True, True, False]])
        full, exits = executed_flops(CONFIG, None, [9, 5]), executed_flops(CONFIG, [[1, 1], [3, 1]], [[9], [5]])
        self.assertAllEqual(ways.costs, np.column_stack([full, exits]))
        paper = measures.adaptive(self.outputs, CONFIG, speeds=[0.5], paper=True).costs
        self.assertAllEqual(paper, np.column_stack([[paper_flops(CONFIG)] * 2, paper_flops(CONFIG, [1, 3])]))

    def test_depths_that_leave_nothing_to_gain(self):
        same = BranchOutputs(
            self.outputs.probabilities[:1].repeat(4, 0), np.zeros(4, np.int32), np.full(4, 9, np.int32)
        )
        for found in (measures.against_fixed_depth(same, CONFIG), measures.without_loss(same, CONFIG)):
            for one in found.values():
                self.assertAllClose(list(one.values()), [0, 0, 0])

    def test_a_fixed_depth_pays_for_one_branch(self):
        """All rows leave at layer 1 or 3, so that the curve is a line; layer 2 is right where both others are wrong."""
        sure, right, wrong = [0.999, 0.001], [0.55, 0.45], [0.45, 0.55]
        said = np.array([[sure, sure, sure]] * 5 + [[wrong, right, right]] * 5, np.float32)
        outputs = BranchOutputs(said, np.zeros(10, np.int32), np.full(10, 9, np.int32))
        found = measures.against_fixed_depth(outputs, CONFIG)["layer 2"]["value"]
        layer_and_branch = np.diff(executed_flops(CONFIG, [1, 2, 3], 9))[0]
        branch = executed_flops(CONFIG, 2, 9) - executed_flops(CONFIG, 2, 9, exits=[2])
        wanted = executed_flops(CONFIG, 1, 9) + layer_and_branch - branch
        # From speed where 5 rows take 3 layers (accuracy 1) to that where all take 1 (0.5).
        costs = [executed_flops(CONFIG, 1, 9), executed_flops(CONFIG, [1, 3], [9, 9]).mean()]
        self.assertLess(wanted, costs[1])
        self.assertAllClose(found, 0.5 + 0.5 * (wanted - costs[0]) / (costs[1] - costs[0]) - 1)

    def test_a_worse_model_loses_at_equal_speedup(self):
        found = measures.at_equal_speedup(made_outputs(), made_outputs(error=2.0), CONFIG)
        self.assertEqual(verdicts.better(found["mean"]), HOLDS)
        self.assertEqual(
            verdicts.better(measures.at_equal_speedup(made_outputs(), made_outputs(), CONFIG)["mean"]), OPEN
        )

    def test_sure_answers_are_right_more_often(self):
        found = measures.trends(uncertainty_profile(made_outputs(), NormalizedEntropy()))
        self.assertEqual([one["layer"] for one in found], [1, 2, 3])
        self.assertLess(found[0]["p"], 1e-6)
        self.assertEqual(found[2], {"layer": 3, "z": None, "p": None, "rows": 2000})  # the teacher is always right

    def test_a_shallow_model_is_compared_at_its_cost(self):
        shallow = FastBertConfig(BackboneConfig(30, 1, 2, 8, 16), 2, branch_dim=4, branch_heads=2)
        outputs = made_outputs()
        other = BranchOutputs(outputs.probabilities[:, :1], outputs.labels, outputs.lengths)
        found = measures.against_baseline(outputs, CONFIG, other, shallow)
        self.assertAllClose(found["accuracy"]["value"], np.mean(other.predictions[:, 0] == other.labels))
        self.assertAllClose(found["speedup"], executed_flops(CONFIG, None, 9) / executed_flops(shallow, None, 9))
        self.assertAllClose(found["difference"]["value"], 0.0, atol=1e-3)  # at speed 1 all leave there, but ties


if __name__ == "__main__":
    tf.test.main()
