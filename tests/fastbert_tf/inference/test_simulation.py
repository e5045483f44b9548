"""The offline simulation, on a table that is worked out by hand."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.inference import ExitPolicy, ExitSchedule, NormalizedEntropy, simulate

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

    @parameterized.parameters(
        ((2, 3), 0.5, [2, 3, 3, 3]),  # rows 0 and 2 would have left at layer 1
        ((2, 3), 0.9, [2, 2, 3, 3]),
        ((1, 3), 0.9, [1, 3, 1, 3]),
        ((3,), 1.0, [3, 3, 3, 3]),
    )
    def test_only_branches_that_are_on(self, exits, speed, expected):
        answers = simulate(NormalizedEntropy(), PROBABILITIES, speed, ExitSchedule(exits))
        self.assertAllEqual(answers["exit_layer"], expected)
        self.assertAllEqual(
            answers["probabilities"], [PROBABILITIES[row, exit - 1] for row, exit in enumerate(expected)]
        )

    @parameterized.parameters((0, 1), (1, 2), (5, 3))
    def test_policy_hears_what_it_remembers_of_the_exits_so_far(self, memory, most):
        heard, layers_of_answers = [], []

        class Recorder(NormalizedEntropy):
            def doubt(self, said, layer):
                heard.append(np.stack(said))  # (exits, rows, classes)
                layers_of_answers.append(layer)
                return super().doubt(said, layer)

        Recorder.memory = memory
        table = np.random.default_rng(0).uniform(size=(4, 6, 2)).astype(np.float32)  # (rows, layers, classes)
        simulate(Recorder(), table, 0.0, ExitSchedule((1, 2, 5, 6)))
        heard.sort(key=lambda said: [layer for layer in range(6) if np.array_equal(said[-1], table[:, layer])])
        self.assertLen(heard, 3)
        for said, layers in zip(heard, ([0], [0, 1], [0, 1, 4]), strict=True):
            self.assertAllEqual(said, table[:, layers[-most:]].swapaxes(0, 1))
        self.assertCountEqual(layers_of_answers, [1, 2, 5])

    def test_at_speed_0_every_row_stays_whatever_the_policy_says(self):
        class Always(ExitPolicy):
            def doubt(self, said, layer):
                return np.full(len(said[-1]), -1, np.float32)

        answers = simulate(Always(), PROBABILITIES, np.float32([0.0, 0.1, 0.0, 1.0]))
        self.assertAllEqual(answers["exit_layer"], [3, 1, 3, 1])

    def test_schedule_of_another_model(self):
        with self.assertRaisesRegex(ValueError, "the model's last layer 3, the teacher, but exits are"):
            simulate(NormalizedEntropy(), PROBABILITIES, 0.5, ExitSchedule((1, 2)))


if __name__ == "__main__":
    tf.test.main()
