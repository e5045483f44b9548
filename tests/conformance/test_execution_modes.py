"""Eager, graph, SavedModel and the session loader (TensorFlow Serving's) give the same numbers."""

from __future__ import annotations

import functools

import numpy as np
import policy_cases
import registry
import stack_cases
import tensorflow as tf
from absl.testing import parameterized
from exported import in_all_modes

from fastbert_tf import inference

NETWORKS = [*registry.LAYERS, *registry.MODELS]
LOOPS = [
    (f"{stack_name}_{policy.cls.__name__}_{number}", stack, policy, schedule)
    for stack_name, stack in registry.named(stack_cases.STACKS)
    for policy in policy_cases.POLICIES[:1]  # the others run with one stack, in test_policies.py
    for number, schedule in enumerate(stack_cases.SCHEDULES_OF_EXITS)
]


@functools.cache
def _model():
    return registry.built(registry.MODELS[-1])


@functools.cache
def _stack(case):
    """One of the model's for all tests: making it, and tracing what it traces for itself, takes longer than a test."""
    return case.make(_model())


class ExecutionModesTest(tf.test.TestCase, parameterized.TestCase):
    def _assert_equal_in_all_modes(self, function, inputs, variables):
        (_, expected), *others = in_all_modes(function, inputs, variables)
        self.assertEqual([mode for mode, _ in others], ["graph", "saved_model", "session"])
        for mode, outputs in others:
            self.assertEqual(outputs.keys(), expected.keys())
            for name, value in outputs.items():
                self.assertAllClose(value, expected[name], rtol=1e-5, atol=1e-5, msg=f"{mode}: {name}")
        return expected

    @parameterized.named_parameters(registry.named(NETWORKS))
    def test_network(self, case):
        network = registry.built(case)

        def function(inputs):
            return {f"output_{i}": output for i, output in enumerate(case.call(network, inputs, **_inference(network)))}

        self._assert_equal_in_all_modes(function, case.inputs(), network.weights)

    @parameterized.named_parameters(LOOPS)
    def test_exit_loop(self, stack_case, policy_case, schedule):
        """And all of them equal the offline simulation, at a speed of its own for every row."""
        model, policy, stack = _model(), policy_case.make(), _stack(stack_case)
        loop = inference.ExitLoop(stack, policy, schedule)
        inputs = registry.token_inputs(rows=33)
        speed = np.linspace(0, 1, 33).astype(np.float32)
        probabilities = stack_case.probabilities(stack, model, inputs)
        expected = inference.simulate(policy, probabilities, speed, schedule)
        self.assertEqual(set(expected["exit_layer"]), set(schedule.exits), "the sample does not spread over the exits")

        def function(tensors):
            return loop({name: tensors[name] for name in inputs}, tensors["speed"])

        answers = self._assert_equal_in_all_modes(function, {**inputs, "speed": speed}, stack.variables)
        self.assertAllEqual(answers["exit_layer"], expected["exit_layer"])
        for name in ("probabilities", "uncertainty"):
            self.assertAllClose(answers[name], expected[name], atol=1e-5)

    @parameterized.named_parameters(registry.named(stack_cases.STACKS))
    def test_full_depth(self, case):
        model, stack = _model(), _stack(case)
        full_depth = inference.FullDepth(stack)
        inputs = registry.token_inputs()
        answers = self._assert_equal_in_all_modes(
            lambda tensors: {"probabilities": full_depth(tensors)}, inputs, stack.variables
        )
        self.assertAllClose(answers["probabilities"], case.probabilities(stack, model, inputs)[:, -1], atol=1e-5)

    @parameterized.named_parameters(registry.named(registry.LOSSES))
    def test_loss(self, case):
        target, prediction = case.inputs()
        loss = case.make()
        self.assertAllClose(tf.function(loss)(target, prediction), loss(target, prediction), rtol=1e-6)


class NeighboursTest(tf.test.TestCase, parameterized.TestCase):
    """A row's answer does not depend on its neighbours, on their order, or on padding."""

    @parameterized.named_parameters(LOOPS)
    def test_exit_loop(self, stack_case, policy_case, schedule):
        loop = inference.ExitLoop(_stack(stack_case), policy_case.make(), schedule)
        inputs = registry.token_inputs(rows=12)
        speed = np.tile(np.array([0.0, 0.6, 0.8, 0.95], np.float32), 3)
        together = {name: value.numpy() for name, value in loop(inputs, tf.constant(speed)).items()}
        order = np.random.default_rng(6).permutation(12)
        self._assert_same(together, order, loop(_rows(inputs, order), tf.constant(speed[order])))
        wider = {name: np.pad(value, ((0, 0), (0, 4))) for name, value in inputs.items()}
        self._assert_same(together, np.arange(12), loop(wider, tf.constant(speed)))
        for row in range(12):
            length = inputs["padding_mask"][row].sum()
            alone = {name: value[row : row + 1, :length] for name, value in inputs.items()}
            self._assert_same(together, np.array([row]), loop(alone, tf.constant(speed[row : row + 1])))

    def _assert_same(self, together, rows, answers):
        for name, value in answers.items():
            self.assertAllClose(value, together[name][rows], atol=1e-5, rtol=0, msg=name)


def _rows(inputs, rows):
    return {name: value[rows] for name, value in inputs.items()}


def _inference(network):
    """`training=False` where the call takes it; else seed generators end up in the graph."""
    return {"training": False} if network._call_has_training_arg else {}


if __name__ == "__main__":
    tf.test.main()
