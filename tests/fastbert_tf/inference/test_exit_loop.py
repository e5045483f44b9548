"""The exit loop on a small model: equal to the simulation at every speed, whoever the neighbours are."""

from __future__ import annotations

import numpy as np
import registry
import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.inference import ExitLoop, FullDepth, KerasStack, NormalizedEntropy, simulate

SPEEDS = [round(0.1 * step, 1) for step in range(11)]
ROWS = 300


class ExitLoopTest(tf.test.TestCase, parameterized.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.model = registry.make_fastbert()
        registry.spread(cls.model)
        cls.inputs = registry.token_inputs(ROWS)
        cls.all_branches = tf.nn.softmax(cls.model(cls.inputs)).numpy()  # (rows, layers, classes)
        loop = ExitLoop(KerasStack(cls.model), NormalizedEntropy())
        cls.loop = staticmethod(tf.function(loop, autograph=False, reduce_retracing=True))

    def _answers(self, inputs, speed):
        answers = self.loop(_constants(inputs), tf.constant(speed, tf.float32))
        return {name: value.numpy() for name, value in answers.items()}

    def test_equals_the_simulation_at_every_speed(self):
        used = set()
        for speed in SPEEDS:
            expected = simulate(NormalizedEntropy(), self.all_branches, speed)
            answers = self._answers(self.inputs, np.full(ROWS, speed))
            self.assertAllEqual(answers["exit_layer"], expected["exit_layer"])
            self.assertAllEqual(answers["probabilities"].argmax(-1), expected["probabilities"].argmax(-1))
            self.assertAllClose(answers["probabilities"], expected["probabilities"], atol=1e-5, rtol=0)
            self.assertAllClose(answers["uncertainty"], expected["uncertainty"], atol=1e-5, rtol=0)
            self.assertAllClose(answers["probabilities"].sum(-1), np.ones(ROWS), atol=1e-5)
            used |= set(answers["exit_layer"])
        self.assertEqual(used, set(range(1, registry.DEPTH + 1)))

    def test_equals_the_simulation_at_a_speed_of_its_own_for_every_row(self):
        speed = np.random.default_rng(0).uniform(0, 1, ROWS).astype(np.float32)
        expected = simulate(NormalizedEntropy(), self.all_branches, speed)
        answers = self._answers(self.inputs, speed)
        self.assertAllEqual(answers["exit_layer"], expected["exit_layer"])
        self.assertAllClose(answers["probabilities"], expected["probabilities"], atol=1e-5, rtol=0)

    @parameterized.parameters(0.0, float("nan"))
    def test_row_that_never_passes_gets_the_teachers_answer(self, speed):
        answers = self._answers(self.inputs, np.full(ROWS, speed))
        self.assertAllEqual(answers["exit_layer"], np.full(ROWS, registry.DEPTH))
        self.assertAllClose(answers["probabilities"], self.all_branches[:, -1], atol=1e-5, rtol=0)
        self.assertAllClose(answers["probabilities"].sum(-1), np.ones(ROWS), atol=1e-5)
        full_depth = FullDepth(KerasStack(self.model))(_constants(self.inputs))
        self.assertAllClose(answers["probabilities"], full_depth, atol=1e-5, rtol=0)

    def test_order_and_neighbours_change_nothing(self):
        speed = np.random.default_rng(1).uniform(0, 1, ROWS).astype(np.float32)
        together = self._answers(self.inputs, speed)
        order = np.random.default_rng(2).permutation(ROWS)
        for rows in (order, order[:17], order[:1]):
            some = self._answers({name: value[rows] for name, value in self.inputs.items()}, speed[rows])
            for name, value in some.items():
                self.assertAllClose(value, together[name][rows], atol=1e-5, rtol=0)

    def test_padding_changes_nothing(self):
        speed = np.full(ROWS, 0.8)
        wider = {name: np.pad(value, ((0, 0), (0, 6)), constant_values=1) for name, value in self.inputs.items()}
        wider["padding_mask"][:, registry.LENGTH :] = 0
        together, padded = self._answers(self.inputs, speed), self._answers(wider, speed)
        for name, value in padded.items():
            self.assertAllClose(value, together[name], atol=1e-5, rtol=0)

    def test_no_rows(self):
        inputs = {name: value[:0] for name, value in self.inputs.items()}
        answers = self._answers(inputs, np.zeros(0))
        self.assertEqual(answers["probabilities"].shape, (0, registry.CLASSES))
        self.assertEqual(answers["exit_layer"].shape, (0,))
        self.assertEqual(answers["uncertainty"].shape, (0,))

    def test_types(self):
        answers = self._answers(self.inputs, np.full(ROWS, 0.5))
        types = {name: value.dtype for name, value in answers.items()}
        self.assertEqual(types, {"probabilities": np.float32, "exit_layer": np.int32, "uncertainty": np.float32})

    def test_computes_only_the_rows_that_are_left(self):
        computed = []

        class Counting(KerasStack):
            def layer(self, index, state):
                computed.append((index, len(state["hidden"])))
                return super().layer(index, state)

        speed = np.full(ROWS, 0.7, np.float32)
        answers = ExitLoop(Counting(self.model), NormalizedEntropy())(_constants(self.inputs), tf.constant(speed))
        left = [np.sum(answers["exit_layer"].numpy() > layer) for layer in range(registry.DEPTH)]
        self.assertEqual(computed, [(layer, rows) for layer, rows in enumerate(left) if rows])
        self.assertLess(left[-1], ROWS)

    def test_stops_when_all_rows_have_left(self):
        certain = registry.make_fastbert()
        for branch in certain.branches:
            branch.classifier.bias.assign([50.0, 0.0, 0.0])

        class NoSecondLayer(KerasStack):
            def layer(self, index, state):
                if index:
                    raise AssertionError("no row is left")
                return super().layer(index, state)

        inputs = _constants(registry.token_inputs(5))
        answers = ExitLoop(NoSecondLayer(certain), NormalizedEntropy())(inputs, tf.fill([5], 0.1))
        self.assertAllEqual(answers["exit_layer"], np.ones(5))


def _constants(inputs):
    return {name: tf.constant(value) for name, value in inputs.items()}


if __name__ == "__main__":
    tf.test.main()
