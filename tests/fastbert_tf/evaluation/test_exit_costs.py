"""Measured costs: the arithmetic with a fake clock, the graphs with a small model."""

from __future__ import annotations

import json
from unittest import mock

import keras
import numpy as np
import tensorflow as tf

from fastbert_tf.config import BackboneConfig, FastBertConfig
from fastbert_tf.evaluation import ExitCosts, exit_costs, measure_exit_costs
from fastbert_tf.inference import ExitLoop, KerasStack, Patience
from fastbert_tf.models import FastBert

CONFIG = FastBertConfig(BackboneConfig(30, 3, 2, 8, 16, max_sequence_length=12), 2, branch_dim=4, branch_heads=2)
LENGTHS = np.array([3, 12, 5, 7])


class ExitCostsTest(tf.test.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        keras.utils.set_random_seed(0)
        cls.stack = KerasStack(FastBert.from_fastbert_config(CONFIG))

    def test_measures_the_real_graphs(self):
        one, four = measure_exit_costs(self.stack, LENGTHS, batch_sizes=(1, 4), seconds=0.01)
        self.assertEqual((one.batch_size, one.rows), (1, (1,)))
        self.assertEqual((four.batch_size, four.rows), (4, (1, 2, 4)))
        for costs in (one, four):
            self.assertGreater(min(costs.start), 0)
            for piece in exit_costs.PIECES:
                self.assertLen(getattr(costs, piece), len(costs.rows))
                self.assertGreaterEqual(min(getattr(costs, piece)), 0)
            self.assertEqual(ExitCosts.from_dict(json.loads(json.dumps(costs.to_dict()))), costs)

    def test_a_step_asks_the_policy_and_lets_nobody_go(self):
        """At speed 1 nobody would doubt enough to stay; what the policy remembers is carried along."""
        features = next(exit_costs._batches(LENGTHS, 4))
        heard = []

        class Certain(Patience):
            def doubt(self, said, layer):
                heard.append((layer, len(said)))
                return 0 * super().doubt(said, layer)

        asked, idle = exit_costs._NobodyLeaves(Certain(2)), exit_costs._Remembering(2)
        answers = ExitLoop(self.stack, asked)(features, tf.ones([4]))
        self.assertAllEqual(answers["exit_layer"], [3, 3, 3, 3])
        self.assertEqual(heard, [(1, 1), (2, 2)])
        self.assertEqual((asked.memory, idle.memory), (2, 2))
        leaves = ExitLoop(exit_costs._Idle(self.stack), idle)(features, tf.fill([4], 0.5))
        self.assertAllEqual(leaves["exit_layer"], [1, 3, 1, 3])

    def measured(self, timings):
        """Costs of single rows from timings of start, branches, plain encoder, loop, and idle loop twice, a repeat."""
        made = np.tile(0.001 * np.array(timings), 8)  # eight batches of one row
        with mock.patch.object(exit_costs, "_timings", lambda cases, _: made[:, : len(cases)]):
            (costs,) = measure_exit_costs(self.stack, LENGTHS, batch_sizes=(1,))
        return costs

    def test_pieces_are_differences(self):
        """Start 1 ms, a branch 2, a layer 10, a step 3, rows that leave 5; three layers."""
        repeat = [1, 1 + 3 * 2, 1 + 3 * 10 + 2, 1 + 3 * (10 + 2 + 3), 4, 9]
        costs = self.measured([repeat, repeat])
        found = {piece: getattr(costs, piece) for piece in exit_costs.PIECES}
        expected = {"start": 1, "layer": 10, "branch": 2, "step": 3, "shrink": 5}
        self.assertAllClose(found, {piece: (value,) for piece, value in expected.items()})
        self.assertEqual(costs.uncertainty, 0)

    def test_uncertainty_is_how_the_halves_differ(self):
        """Asking all branches makes 10 ms 11 in every other repeat, 14 in the others: 10 % more, or 40 %."""
        repeats = [[1, 1, 10, loop, 1, 1] for loop in (11, 14, 11, 14)]
        self.assertAllClose(self.measured(repeats).uncertainty, 0.3)

    def test_a_difference_that_noise_made_negative_is_none(self):
        costs = self.measured([[6, 5, 4, 3, 2, 1]] * 2)
        self.assertEqual((costs.layer, costs.branch, costs.shrink), ((0.0,),) * 3)

    def test_turns_rotate_and_an_outlier_is_one_of_many(self):
        order = []
        calls = [lambda features, name=name: order.append(name) or tf.constant(0) for name in "ab"]
        # The clock at the start, then before and after every call of three rounds; the last round is an outlier.
        taken = [1, 10, 10, 1, 1000, 1000]
        ticks = [0, *(tick for seconds in taken for tick in (0, seconds)), 0]
        with mock.patch.object(exit_costs.time, "perf_counter", mock.Mock(side_effect=ticks)):
            timings = exit_costs._timings([({}, call) for call in calls], seconds=-1)
        self.assertEqual("".join(order), "ab" + "ab" + "ba" + "ab")  # warm-up, then the rounds
        self.assertAllClose(np.median(timings, axis=0), [1, 10])

    def test_batches_cover_the_lengths(self):
        lengths = np.arange(1, 101)
        for size in (1, 4, 32):
            batches = list(exit_costs._batches(lengths, size))
            real = np.concatenate([batch["padding_mask"].numpy().sum(1) for batch in batches])
            self.assertLess(abs(real.mean() - lengths.mean()), 1)
            for batch in batches:
                mask = batch["padding_mask"].numpy()
                self.assertEqual(mask.shape, (size, mask.sum(1).max()))

    def test_errors(self):
        for lengths in ([], [0, 3]):
            with self.assertRaisesRegex(ValueError, "at least 1 token a row"):
                measure_exit_costs(self.stack, np.array(lengths))


if __name__ == "__main__":
    tf.test.main()
