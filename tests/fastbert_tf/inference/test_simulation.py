"""The offline simulation, on a table that is worked out by hand."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.inference import NormalizedEntropy, simulate

# Uncertainties: (0.99, 0.01) 0.081, (0.9, 0.1) 0.469, (0.75, 0.25) 0.811, (0.5, 0.5) 1.
SURE, FAIR, WEAK, EVEN = [0.99, 0.01], [0.9, 0.1], [0.75, 0.25], [0.5, 0.5]
PROBABILITIES = np.float32(
    [  # (rows, layers, classes)
        [FAIR, SURE, WEAK],
        [EVEN, WEAK, FAIR],
        [SURE, EVEN, EVEN],
        [EVEN, EVEN, EVEN],
    ]
)
EXIT_LAYERS = {0.0: [3, 3, 3, 3], 0.05: [3, 3, 3, 3], 0.1: [2, 3, 1, 3], 0.5: [1, 3, 1, 3], 0.9: [1, 2, 1, 3]}


class SimulationTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(*EXIT_LAYERS)
    def test_by_hand(self, speed):
        answers = simulate(NormalizedEntropy(), PROBABILITIES, speed)
        self.assertAllEqual(answers["exit_layer"], EXIT_LAYERS[speed])
        expected = [PROBABILITIES[row, layer - 1] for row, layer in enumerate(EXIT_LAYERS[speed])]
        self.assertAllEqual(answers["probabilities"], expected)
        self.assertEqual(answers["exit_layer"].dtype, np.int32)
        self.assertEqual(answers["probabilities"].dtype, np.float32)

    def test_uncertainty_is_that_of_the_answer(self):
        answers = simulate(NormalizedEntropy(), PROBABILITIES, 0.1)
        self.assertAllClose(answers["uncertainty"], [0.080793, 0.468996, 0.080793, 1.0], atol=1e-5)

    def test_speed_of_each_row(self):
        answers = simulate(NormalizedEntropy(), PROBABILITIES, np.float32([0.1, 0.9, 0.0, 1.0]))
        self.assertAllEqual(answers["exit_layer"], [2, 2, 3, 3])

    def test_no_rows(self):
        answers = simulate(NormalizedEntropy(), PROBABILITIES[:0], 0.5)
        self.assertEqual(answers["probabilities"].shape, (0, 2))
        self.assertEqual(answers["exit_layer"].shape, (0,))

    def test_policy_never_sees_the_layers_to_come(self):
        seen = []

        class Recorder(NormalizedEntropy):
            def wants_exit(self, said, layer, speed):
                seen.append((layer, np.array(said)))
                return super().wants_exit(said, layer, speed)

        simulate(Recorder(), PROBABILITIES, 0.0)
        self.assertEqual([layer for layer, _ in seen], [0, 1, 2])
        for layer, said in seen:
            self.assertAllEqual(said[:, : layer + 1], PROBABILITIES[:, : layer + 1])
            self.assertAllEqual(said[:, layer + 1 :], np.zeros_like(said[:, layer + 1 :]))


if __name__ == "__main__":
    tf.test.main()
