"""Risk control, on counts and on rows whose true risk is known."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.calibration import Candidate, certified, choose, row_losses


class RowLossesTest(tf.test.TestCase):
    PREDICTIONS = np.array([[1, 0, 1], [1, 0, 0], [0, 0, 1], [1, 1, 0]])  # (rows, exits), the last one the teacher

    def test_loses_where_the_teacher_is_right_and_the_exit_wrong(self):
        losses = row_losses(self.PREDICTIONS, np.array([1, 1, 1, 0]))
        self.assertAllEqual(losses, [[0, 1, 0], [0, 0, 0], [1, 1, 0], [1, 1, 0]])

    def test_loses_without_labels_where_answers_differ(self):
        self.assertAllEqual(row_losses(self.PREDICTIONS, None), [[0, 1, 0], [1, 0, 0], [1, 1, 0], [1, 1, 0]])

    def test_bounds_the_drop_in_accuracy(self):
        random = np.random.default_rng(0)
        predictions, labels = random.integers(0, 3, (500, 4)), random.integers(0, 3, 500)
        accuracy = (predictions == labels[:, None]).mean(0)  # (exits,)
        for lost in (row_losses(predictions, labels), row_losses(predictions, None)):
            self.assertAllGreaterEqual(lost.mean(0) - (accuracy[-1] - accuracy), 0)


class LearnThenTestTest(tf.test.TestCase, parameterized.TestCase):
    def test_certifies_up_to_the_first_that_stands(self):
        self.assertEqual(certified(np.array([0.0, 0.05, 0.2, 0.0]), 0.05), 2)
        self.assertEqual(certified(np.array([0.2, 0.0]), 0.05), 0)
        self.assertEqual(certified(np.array([0.0, 0.01]), 0.05), 2)
        self.assertEqual(certified(np.array([np.nan, 0.01]), 0.05), 0)

    def test_chooses_the_cheapest_that_is_certified(self):
        """At 1000 rows, 0.05 and 95 %, 38 losses pass and 39 do not (binomial tables)."""
        path = Candidate(np.array([0, 38, 39, 0]), np.array([9.0, 6.0, 2.0, 1.0]))
        choice = choose([path], 1000, 0.05, 0.95, full_cost=8.0)
        self.assertEqual((choice.candidate, choice.place, choice.tested), (0, 1, 3))

    def test_several_policies_share_the_error(self):
        """Alone 38 losses pass; for one of two, at 97.5 %, 36 pass and 37 do not."""
        first = Candidate(np.array([36, 37]), np.array([7.0, 5.0]))
        second = Candidate(np.array([20, 38]), np.array([6.0, 4.0]))
        choice = choose([first, second], 1000, 0.05, 0.95, full_cost=8.0)
        self.assertEqual((choice.candidate, choice.place), (1, 0))

    def test_full_depth_where_nothing_cheaper_is_certified(self):
        dear = Candidate(np.array([0, 900]), np.array([8.5, 1.0]))  # branches are asked, and nobody leaves
        self.assertIsNone(choose([dear], 1000, 0.05, 0.95, full_cost=8.0).place)

    @parameterized.parameters("binomial", "hoeffding_bentkus")
    def test_the_bound_is_broken_no_more_often_than_promised(self, method):
        """A row loses where its uniform number is below a threshold, so the threshold is the true risk."""
        random, rows, bound, draws = np.random.default_rng(0), 600, 0.05, 1000
        risks = np.linspace(0.002, 0.12, 60)
        broken = 0
        for _ in range(draws):
            losses = np.searchsorted(np.sort(random.random(rows)), risks)
            choice = choose([Candidate(losses, 1 - risks)], rows, bound, 0.95, full_cost=1.0, method=method)
            broken += choice.place is not None and risks[choice.place] > bound
        self.assertLessEqual(broken / draws, 0.05 + 3 * np.sqrt(0.05 * 0.95 / draws))
        if method == "binomial":
            self.assertGreater(broken, 0.02 * draws)  # exact: it does not promise too little

    def test_the_best_of_many_worthless_policies_keeps_the_promise_too(self):
        random, rows, bound, draws = np.random.default_rng(1), 600, 0.05, 1000
        broken = 0
        for _ in range(draws):
            losses = random.binomial(rows, 0.0501, 10)  # ten policies just above the bound
            choice = choose([Candidate(losses[i : i + 1], np.array([0.5])) for i in range(10)], rows, bound, 0.95, 1.0)
            broken += choice.place is not None
        self.assertLessEqual(broken / draws, 0.05 + 3 * np.sqrt(0.05 * 0.95 / draws))

    def test_needs_a_policy(self):
        with self.assertRaisesRegex(ValueError, "no policy"):
            choose([], 1000, 0.05, 0.95, 1.0)


if __name__ == "__main__":
    tf.test.main()
