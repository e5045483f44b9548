"""Sums at many speeds, and the dial made of them, against a walk over the rows."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.calibration import Dial, SpeedSums, learn_dial

COSTS = np.array([2.0, 4.0, 6.0, 8.0])


def _walk(doubts: np.ndarray, values: np.ndarray, speed: float) -> float:
    """Adds up by definition: a row leaves at the first exit whose doubt is below the speed."""
    total = 0.0
    for row, its in zip(doubts, values, strict=True):
        total += its[next((exit for exit, doubt in enumerate(row) if doubt < np.float32(speed)), len(row))]
    return total


class SpeedSumsTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters("continuous", "discrete")
    def test_adds_up_as_a_walk_over_the_rows(self, kind):
        random = np.random.default_rng(0)
        doubts = random.random((200, 3)).astype(np.float32)
        if kind == "discrete":
            doubts = np.round(doubts * 4).astype(np.float32) / 4
        values = random.integers(0, 9, (200, 4))
        speeds = np.array([1e-4, 0.1, 0.25, 0.26, 0.5, 0.75, 1.0])
        found = SpeedSums(doubts).at(values, speeds)
        self.assertAllEqual(found, [_walk(doubts, values, speed) for speed in speeds])


class DialTest(tf.test.TestCase, parameterized.TestCase):
    def test_delivers_what_is_asked_for_on_new_rows(self):
        random = np.random.default_rng(0)
        learned, new = (random.beta(0.3, 2, (5000, 3)).astype(np.float32) for _ in range(2))
        dial = learn_dial(learned, np.tile(COSTS, (5000, 1)), full_cost=7.5)
        self.assertGreater(dial.most, 3.5)
        for asked in np.linspace(1.05, dial.most, 20):
            delivered = 7.5 / (_walk(new, np.tile(COSTS, (5000, 1)), float(dial.speed(asked))) / 5000)
            self.assertAllClose(delivered, asked, rtol=0.05)

    def test_full_depth_and_the_end_of_the_range(self):
        dial = Dial((1.0, 2.0, 8.0), (0.0, 0.25, 0.75))
        self.assertAllEqual(
            dial.speed([1.0, 1.41, 1.42, 3.9, 4.1, 8.0, 100.0, np.inf]), [0, 0, 0.25, 0.25, *[0.75] * 4]
        )
        self.assertEqual(dial.most, 8.0)

    def test_a_discrete_policy_offers_its_steps(self):
        """Half of the rows leave at the first exit at any speed above 0.25, all of them above 0.5."""
        doubts = np.array([[0.25, 1, 1], [0.5, 1, 1]], np.float32)
        dial = learn_dial(doubts, np.tile(COSTS, (2, 1)), full_cost=8.0)
        self.assertAllClose(dial.speedups, [1, 8 / 5, 8 / 2])
        self.assertAllEqual(dial.speeds, [0, 0.375, 0.75])

    def test_nobody_can_leave(self):
        dial = learn_dial(np.ones((3, 3), np.float32), np.tile(COSTS, (3, 1)), full_cost=8.0)
        self.assertEqual(dial, Dial((1.0,), (0.0,)))
        self.assertAllEqual(dial.speed([1.0, 5.0]), [0, 0])

    @parameterized.parameters(0.99, -1.0, np.nan)
    def test_refuses_speedups_below_1(self, speedup):
        with self.assertRaisesRegex(ValueError, "at least 1"):
            Dial((1.0, 2.0), (0.0, 0.5)).speed(speedup)

    @parameterized.parameters(
        ((), ()), ((1.1,), (0.0,)), ((1.0, 1.0), (0.0, 0.5)), ((1.0, 2.0), (0.0, 1.5)), ((1.0, 2.0), (0.0,)),
        ((1.0, np.nan), (0.0, 0.5)),
    )  # fmt: skip
    def test_refuses_tables_that_are_none(self, speedups, speeds):
        with self.assertRaises(ValueError):
            Dial(speedups, speeds)


if __name__ == "__main__":
    tf.test.main()
