"""Doubts worked out by hand, and patience against a count written down as its paper words it."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.inference import AgreementEntropy, ExitSchedule, Margin, MaximumProbability, Patience, doubts, simulate

SAYS_0, SAYS_1 = [0.9, 0.1], [0.25, 0.75]  # normalised entropies 0.468996 and 0.811278


def answers(*rows):
    return np.float32(rows)


class OneAnswerTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(
        ([1.0, 0.0], 0.0),
        ([0.9, 0.1], 0.2),
        ([0.5, 0.5], 1.0),
        ([0.7, 0.2, 0.1], 0.45),
        ([0.25, 0.25, 0.25, 0.25], 1.0),
    )
    def test_maximum_probability(self, p, doubt):
        self.assertAllClose(MaximumProbability().doubt([answers(p)], 1), [doubt], atol=1e-6)

    @parameterized.parameters(
        ([1.0, 0.0], 0.0),
        ([0.1, 0.9], 0.2),
        ([0.5, 0.5], 1.0),
        ([0.1, 0.7, 0.2], 0.5),
        ([0.4, 0.2, 0.4], 1.0),
    )
    def test_margin(self, p, doubt):
        self.assertAllClose(Margin().doubt([answers(p)], 1), [doubt], atol=1e-6)

    def test_two_classes_make_them_alike(self):
        p = np.linspace(0, 1, 21, dtype=np.float32)
        said = [np.stack([p, 1 - p], axis=1)]
        self.assertAllClose(Margin().doubt(said, 1), MaximumProbability().doubt(said, 1), atol=1e-6)


class AgreementEntropyTest(tf.test.TestCase):
    def test_by_hand(self):
        before, newest = answers(SAYS_0, SAYS_0, SAYS_1, SAYS_1), answers(SAYS_0, SAYS_1, SAYS_0, SAYS_1)
        expected = [0.468996, 1, 1, 0.811278]
        self.assertAllClose(AgreementEntropy().doubt([before, newest], 2), expected, atol=1e-5)

    def test_the_first_answer_stands_for_itself(self):
        self.assertAllClose(AgreementEntropy().doubt([answers(SAYS_0, SAYS_1)], 1), [0.468996, 0.811278], atol=1e-5)

    def test_disagreement_stays_at_speed_1(self):
        probabilities = answers([SAYS_0, SAYS_1, SAYS_0])  # (rows, layers, classes)
        exits = simulate(AgreementEntropy(), probabilities, 1.0, ExitSchedule((1, 2, 3)))["exit_layer"]
        self.assertAllEqual(exits, [1])
        exits = simulate(AgreementEntropy(), probabilities, 0.4)["exit_layer"]
        self.assertAllEqual(exits, [3])


class PatienceTest(tf.test.TestCase, parameterized.TestCase):
    def test_by_hand(self):
        said = [answers(SAYS_0, SAYS_1, SAYS_0), answers(SAYS_0, SAYS_0, SAYS_1), answers(SAYS_0, SAYS_0, SAYS_0)]
        policy = Patience(4)
        self.assertAllEqual(policy.doubt(said[:1], 1), [1, 1, 1])
        self.assertAllEqual(policy.doubt(said[:2], 2), [0.75, 1, 1])
        self.assertAllEqual(policy.doubt(said, 3), [0.5, 0.75, 1])

    @parameterized.product(agreements=[1, 3, 4], exits=[(1, 2, 3, 4, 5, 6), (2, 3, 5, 6)])
    def test_speed_chooses_the_patience(self, agreements, exits):
        probabilities = np.random.default_rng(0).dirichlet([1, 2], (60, 6)).astype(np.float32)
        names = probabilities.argmax(-1)  # (rows, layers)
        for speed in (0.0, 0.01, 0.25, 0.3, 0.5, 0.75, 0.99, 1.0):
            patience = int(np.floor((1 - speed) * agreements)) + 1 if speed else np.inf
            expected = [self._pabee(row, exits, patience) for row in names]
            found = simulate(Patience(agreements), probabilities, speed, ExitSchedule(exits))["exit_layer"]
            self.assertAllEqual(found, expected)

    def _pabee(self, names, exits, patience):
        """The paper's counter: it grows where a branch agrees with the one before, and starts anew where not."""
        counter = 0
        for before, exit in zip(exits, exits[1:], strict=False):
            counter = counter + 1 if names[before - 1] == names[exit - 1] else 0
            if counter >= patience:
                return exit
        return exits[-1]

    def test_default_counts_all_that_can_agree(self):
        self.assertEqual(Patience.default(12), Patience(10))
        self.assertEqual(Patience.default(2), Patience(1))
        unanimous = np.tile(np.float32(SAYS_0), (1, 6, 1))
        self.assertAllEqual(doubts(Patience.default(6), unanimous), [[1, 0.75, 0.5, 0.25, 0]])

    @parameterized.parameters(0, -1, 1.5, True, "2")
    def test_no_such_patience(self, agreements):
        with self.assertRaisesRegex(ValueError, "agreements must be an integer of at least 1"):
            Patience(agreements)


if __name__ == "__main__":
    tf.test.main()
