"""Exits that pay at the speeds of the server, which other exits change: with made-up choices and speeds."""

from __future__ import annotations

from unittest import mock

import numpy as np
import tensorflow as tf

from fastbert_tf.inference import ExitSchedule
from fastbert_tf.recipes import exits as exits_module

EVERY, EARLY, LATE = ExitSchedule((1, 2, 3)), ExitSchedule((1, 3)), ExitSchedule((2, 3))


class PaysTest(tf.test.TestCase):
    def chosen(self, choices, speeds):
        """Returns the choice, and what every choice was made for, given the choice for and the speeds after each."""
        asked = []

        def choose(costs, probabilities, policy, judged, most_loss):
            asked.append(tuple(judged))
            return choices[tuple(judged)]

        with mock.patch.object(exits_module, "choose_exits", choose):
            return exits_module._pays((), np.zeros([1, 3, 2]), speeds.get, None), asked

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


if __name__ == "__main__":
    tf.test.main()
