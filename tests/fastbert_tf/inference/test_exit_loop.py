"""The exit loop on a small model: equal to the simulation at every speed, whoever the neighbours are."""

from __future__ import annotations

import keras
import numpy as np
import registry
import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.inference import ExitLoop, ExitPolicy, ExitSchedule, FullDepth, KerasStack, NormalizedEntropy, simulate

SPEEDS = [round(0.1 * step, 1) for step in range(11)]
MIDDLE = 0.6  # a speed at which rows leave at every exit
ROWS = 300
SCHEDULES = [
    ExitSchedule.every_layer(registry.DEPTH),
    ExitSchedule((1, registry.DEPTH), shrink_share=0.3),
    ExitSchedule((2, registry.DEPTH), shrink_share=1.0),
    ExitSchedule((registry.DEPTH,)),
]


class ExitLoopTest(tf.test.TestCase, parameterized.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.model = registry.make_fastbert()
        registry.spread(cls.model)
        cls.inputs = registry.token_inputs(ROWS)
        cls.all_branches = tf.nn.softmax(cls.model(cls.inputs)).numpy()  # (rows, layers, classes)
        cls.loops = {schedule: cls._graph(NormalizedEntropy(), schedule) for schedule in SCHEDULES}

    @classmethod
    def _graph(cls, policy, schedule):
        loop = ExitLoop(KerasStack(cls.model), policy, schedule)
        return tf.function(loop, autograph=False, reduce_retracing=True)

    def _answers(self, inputs, speed, schedule=SCHEDULES[0]):
        answers = self.loops[schedule](_constants(inputs), tf.constant(speed, tf.float32))
        return {name: value.numpy() for name, value in answers.items()}

    @parameterized.parameters(*SCHEDULES)
    def test_equals_the_simulation_at_every_speed(self, schedule):
        used = set()
        for speed in SPEEDS:
            expected = simulate(NormalizedEntropy(), self.all_branches, speed, schedule)
            answers = self._answers(self.inputs, np.full(ROWS, speed), schedule)
            self.assertAllEqual(answers["exit_layer"], expected["exit_layer"])
            self.assertAllEqual(answers["probabilities"].argmax(-1), expected["probabilities"].argmax(-1))
            self.assertAllClose(answers["probabilities"], expected["probabilities"], atol=1e-5, rtol=0)
            self.assertAllClose(answers["uncertainty"], expected["uncertainty"], atol=1e-5, rtol=0)
            self.assertAllClose(answers["probabilities"].sum(-1), np.ones(ROWS), atol=1e-5)
            used |= set(answers["exit_layer"])
        self.assertEqual(used, set(schedule.exits))

    @parameterized.parameters(*SCHEDULES)
    def test_equals_the_simulation_at_a_speed_of_its_own_for_every_row(self, schedule):
        speed = np.random.default_rng(0).uniform(0, 1, ROWS).astype(np.float32)
        speed[::3] = 0
        expected = simulate(NormalizedEntropy(), self.all_branches, speed, schedule)
        answers = self._answers(self.inputs, speed, schedule)
        self.assertAllEqual(answers["exit_layer"], expected["exit_layer"])
        self.assertAllClose(answers["probabilities"], expected["probabilities"], atol=1e-5, rtol=0)

    @parameterized.product(speed=[0.0, float("nan")], schedule=SCHEDULES)
    def test_row_that_never_passes_gets_the_teachers_answer(self, speed, schedule):
        answers = self._answers(self.inputs, np.full(ROWS, speed), schedule)
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

    @parameterized.parameters(*SCHEDULES)
    def test_no_rows(self, schedule):
        inputs = {name: value[:0] for name, value in self.inputs.items()}
        answers = self._answers(inputs, np.zeros(0), schedule)
        self.assertEqual(answers["probabilities"].shape, (0, registry.CLASSES))
        self.assertEqual(answers["exit_layer"].shape, (0,))
        self.assertEqual(answers["uncertainty"].shape, (0,))

    def test_types(self):
        answers = self._answers(self.inputs, np.full(ROWS, 0.5))
        types = {name: value.dtype for name, value in answers.items()}
        self.assertEqual(types, {"probabilities": np.float32, "exit_layer": np.int32, "uncertainty": np.float32})

    def test_policy_that_remembers(self):
        """What was said earlier leaves and shrinks with its row."""
        middle = np.median(self.all_branches[:, :2, 0].sum(-1))

        class SumOfTwo(ExitPolicy):
            memory = 1

            def doubt(self, said, layer):
                sure = said[-1][:, 0] + said[0][:, 0] > (middle if len(said) == 2 else 2.0)
                return 1 - keras.ops.cast(sure, "float32")

        for schedule in (SCHEDULES[0], ExitSchedule((1, 2, registry.DEPTH), shrink_share=0.9)):
            expected = simulate(SumOfTwo(), self.all_branches, 1.0, schedule)
            answers = self._graph(SumOfTwo(), schedule)(_constants(self.inputs), tf.ones([ROWS]))
            self.assertEqual(set(expected["exit_layer"]), {2, 3})
            self.assertAllEqual(answers["exit_layer"], expected["exit_layer"])
            self.assertAllClose(answers["probabilities"], expected["probabilities"], atol=1e-5, rtol=0)

    def _calls(self, schedule, speed):
        """Runs eagerly; returns the answers and the stack's calls, each with index and rows."""
        calls = []

        class Counting(KerasStack):
            def layer(self, index, state):
                calls.append(("layer", index, len(state["hidden"])))
                return super().layer(index, state)

            def classify(self, index, state):
                calls.append(("classify", index, len(state["hidden"])))
                return super().classify(index, state)

            def keep(self, state, rows):
                shape = [tf.size(rows), tf.shape(state["hidden"])[0]]
                tf.py_function(lambda *shape: calls.append(("keep", *map(int, shape))), shape, [])  # it runs as a graph
                return super().keep(state, rows)

        speed = tf.constant(np.broadcast_to(np.float32(speed), ROWS))
        return ExitLoop(Counting(self.model), NormalizedEntropy(), schedule)(_constants(self.inputs), speed), calls

    def test_computes_only_the_rows_that_are_left(self):
        answers, calls = self._calls(SCHEDULES[0], MIDDLE)
        left = [np.sum(answers["exit_layer"].numpy() > layer) for layer in range(registry.DEPTH)]
        computed = [(index, rows) for call, index, rows in calls if call == "layer"]
        self.assertEqual(computed, [(layer, rows) for layer, rows in enumerate(left) if rows])
        self.assertLen(set(left), registry.DEPTH)

    def test_asks_no_branch_and_copies_nothing_where_no_row_can_leave(self):
        _, calls = self._calls(SCHEDULES[0], 0.0)
        layers = [("layer", index, ROWS) for index in range(registry.DEPTH)]
        self.assertEqual(calls, [*layers, ("classify", registry.DEPTH - 1, ROWS)])

    def test_asks_but_copies_nothing_where_no_row_leaves(self):
        _, calls = self._calls(SCHEDULES[0], 1e-9)
        self.assertEqual([call for call, *_ in calls], ["layer", "classify"] * registry.DEPTH)

    def test_once_the_rows_that_can_leave_are_gone_no_branch_is_asked(self):
        first = simulate(NormalizedEntropy(), self.all_branches, MIDDLE)["exit_layer"] == 1
        _, calls = self._calls(SCHEDULES[0], np.where(first, np.float32(MIDDLE), 0))
        asked = [index for call, index, _ in calls if call == "classify"]
        self.assertEqual(asked, [0, registry.DEPTH - 1])
        self.assertIn(("keep", ROWS - first.sum(), ROWS), calls)

    def test_batch_shrinks_only_once_enough_rows_have_their_answer(self):
        exits = (2, registry.DEPTH)
        leave = simulate(NormalizedEntropy(), self.all_branches, MIDDLE, ExitSchedule(exits))["exit_layer"] == 2
        share = leave.mean()
        for least, expected in ((share - 0.01, ROWS - leave.sum()), (share + 0.01, ROWS)):
            answers, calls = self._calls(ExitSchedule(exits, shrink_share=least), MIDDLE)
            self.assertIn(("layer", 2, expected), calls)
            self.assertAllEqual(answers["exit_layer"], np.where(leave, 2, registry.DEPTH))

    def test_teacher_alone_is_the_plain_encoder(self):
        """No step, no condition, no scattering: the same operations as the full depth."""

        def operations(function, *arguments):
            graph = tf.function(function, autograph=False).get_concrete_function(*arguments).graph
            return sorted(operation.type for operation in graph.get_operations())

        stack, inputs = KerasStack(self.model), _constants(self.inputs)
        loop = ExitLoop(stack, NormalizedEntropy(), ExitSchedule((registry.DEPTH,)))
        adaptive = operations(lambda inputs: loop(inputs, tf.zeros([ROWS]))["probabilities"], inputs)
        self.assertNotIn("If", adaptive)
        self.assertNotIn("StatelessIf", adaptive)
        self.assertNotIn("TensorScatterUpdate", adaptive)
        self.assertEqual(adaptive.count("MatMul"), operations(FullDepth(stack), inputs).count("MatMul"))

    def test_schedule_of_another_model(self):
        with self.assertRaisesRegex(ValueError, "the last exit must be the model's last layer 3"):
            ExitLoop(KerasStack(self.model), NormalizedEntropy(), ExitSchedule((1, 2)))

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
