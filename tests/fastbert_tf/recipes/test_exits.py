"""Exits that pay, and what they may cost rows that never leave: with made-up costs, choices and speeds."""

from __future__ import annotations

from unittest import mock

import numpy as np
import tensorflow as tf

from fastbert_tf.evaluation import BranchOutputs, ExitCosts
from fastbert_tf.inference import ExitSchedule, NormalizedEntropy
from fastbert_tf.recipes import exits as exits_module
from fastbert_tf.recipes.exits import ExitRequest, choose

EVERY, EARLY, LATE = ExitSchedule((1, 2, 3)), ExitSchedule((1, 3)), ExitSchedule((2, 3))


class PaysTest(tf.test.TestCase):
    def chosen(self, choices, speeds):
        """Returns the choice, and what every choice was made for, given the choice for and the speeds after each."""
        asked = []

        def choose(costs, probabilities, policy, judged, most_loss):
            asked.append(tuple(judged))
            return choices[tuple(judged)]

        with mock.patch.object(exits_module, "choose_exits", choose):
            return exits_module._pays((), np.zeros([1, 3, 2]), NormalizedEntropy(), speeds.get, 0.1), asked

    def test_speeds_of_discarded_schedules_do_not_count(self):
        choices = {(0.5, 0.9): EARLY, (0.5,): LATE}
        chosen, asked = self.chosen(choices, {EVERY: [0.5, 0.9], EARLY: [0.5], LATE: [0.5]})
        self.assertEqual((chosen, asked), (LATE, [(0.5, 0.9), (0.5,)]))

    def test_speeds_that_the_choice_allows_count(self):
        choices = {(0.5,): EARLY, (0.5, 0.9): LATE}
        chosen, asked = self.chosen(choices, {EVERY: [0.5], EARLY: [0.5, 0.9], LATE: [0.5, 0.9]})
        self.assertEqual((chosen, asked), (LATE, [(0.5,), (0.5, 0.9)]))

    def test_a_circle_of_choices_ends_at_the_speeds_of_all(self):
        choices = {(0.5, 0.8): EARLY, (0.5,): LATE, (0.5, 0.9): EARLY}
        chosen, asked = self.chosen(choices, {EVERY: [0.5, 0.8], EARLY: [0.5], LATE: [0.5, 0.9]})
        self.assertEqual((chosen, asked), (EARLY, [(0.5, 0.8), (0.5,), (0.5, 0.9)]))

    def test_a_circle_of_speeds_none_of_which_holds_the_others(self):
        choices = {(0.5,): EARLY, (0.6,): LATE, (0.7,): EARLY, (0.6, 0.7): LATE}
        chosen, asked = self.chosen(choices, {EVERY: [0.5], EARLY: [0.6], LATE: [0.7]})
        self.assertEqual((chosen, asked), (LATE, [(0.5,), (0.6,), (0.7,), (0.6, 0.7)]))


class MostLossTest(tf.test.TestCase):
    def layers(self, most_loss, branch):
        """Returns the choice where half of the rows are sure at layer 1, the others at layer 2; a layer costs 10."""
        sure, vague = [0.999, 0.001], [0.5, 0.5]
        answers = np.array([[sure, sure, sure], [vague, sure, sure]] * 8, np.float32)  # (rows, layers, classes)
        outputs = BranchOutputs(answers, None, np.full(16, 5, np.int32))
        costs = ExitCosts(1, (1,), (0.0,), (10.0,), (branch,), (0.0,), (0.0,), (0.0,))
        with mock.patch.object(exits_module, "measure_exit_costs", lambda *_: (costs,)):
            return choose(ExitRequest.of("auto", most_loss), None, outputs, lambda _: [0.5]).layers

    def test_bounds_what_exits_cost_rows_that_find_none(self):
        """Of 31 for the plain encoder, each exit adds 1."""
        self.assertEqual(self.layers(None, branch=1.0), (1, 2, 3))
        self.assertEqual(self.layers(0.04, branch=1.0), (2, 3))
        self.assertEqual(self.layers(0.03, branch=1.0), (3,))

    def test_a_tenth(self):
        """Of 32, each exit adds 2: both are too much, but where nobody asks for a bound."""
        self.assertEqual(self.layers(0.1, branch=2.0), (2, 3))
        self.assertEqual(self.layers(None, branch=2.0), (1, 2, 3))


if __name__ == "__main__":
    tf.test.main()
