"""The choice of exits: predicted times by hand, choices against brute force, with made-up costs."""

from __future__ import annotations

import dataclasses
import itertools
import json

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.evaluation import ExitCosts, PredictedTime, choose_exits, predict_ms, predicted_times
from fastbert_tf.evaluation.exit_choice import LEAST_GAIN, SHRINK_SHARES
from fastbert_tf.inference import ExitSchedule, NormalizedEntropy, Patience, simulate


def costs(batch_size=4, start=1.0, layer=10.0, branch=2.0, step=0.5, shrink=3.0) -> ExitCosts:
    """Costs that grow with the rows: `layer` and `branch` are of one row, the others fixed."""
    rows = tuple(range(1, batch_size + 1))
    grown = {"layer": layer, "branch": branch}
    fixed = {"start": start, "step": step, "shrink": shrink}
    return ExitCosts(
        batch_size,
        rows,
        **{name: tuple(value * n for n in rows) for name, value in grown.items()},
        **{name: (value,) * batch_size for name, value in fixed.items()},
    )


def branch_answers(rows=240, layers=5, seed=0) -> np.ndarray:
    """Float32 (rows, layers, 2): some rows are easy from the first layer on, some become so, some never."""
    rng = np.random.default_rng(seed)
    certainty = rng.normal(0, 2, (rows, 1)) + np.linspace(0, 4, layers) + rng.normal(0, 0.5, (rows, layers))
    p = 1 / (1 + np.exp(-certainty))
    return np.stack([p, 1 - p], axis=-1).astype(np.float32)


def walked_ms(one: ExitCosts, schedule: ExitSchedule, exit_layer, asked=True) -> float:
    """The exit loop, row by row: an independent way to the same number."""
    total = 0.0
    for first in range(0, len(exit_layer), one.batch_size):
        inside = [[int(exit), False] for exit in exit_layer[first : first + one.batch_size]]  # leaves at, has answer
        total += one.start[len(inside) - 1]
        layer = 0
        for exit in schedule.exits:
            if not inside:
                break
            n = len(inside) - 1
            total += (exit - layer) * one.layer[n]
            layer = exit
            total += one.branch[n] if asked or exit == schedule.exits[-1] else 0
            total += one.step[n] if len(schedule.exits) > 1 else 0
            if exit == schedule.exits[-1]:
                break
            leaving = [row for row in inside if row[0] == exit]
            for row in leaving:
                row[1] = True
            if all(row[1] for row in inside):
                break  # nobody is left to shrink for
            if leaving and sum(row[1] for row in inside) / len(inside) >= schedule.shrink_share:
                total += one.shrink[n]
                inside = [row for row in inside if not row[1]]
    return total / len(exit_layer)


class PredictTest(tf.test.TestCase, parameterized.TestCase):
    def test_by_hand(self):
        """Four rows, of which two leave at layer 1 and one at layer 2 of 3."""
        exit_layer = np.array([1, 3, 2, 1])
        # start, then each step: layer and branch of the rows that are left, step, shrinking where rows leave.
        at_once = 1 + (40 + 8 + 0.5 + 3) + (20 + 4 + 0.5 + 3) + (10 + 2 + 0.5)
        self.assertAllClose(predict_ms(costs(), ExitSchedule((1, 2, 3)), exit_layer), at_once / 4)
        # From three quarters on: nothing shrinks at layer 1, three of four leave at layer 2.
        late = 1 + (40 + 8 + 0.5) + (40 + 8 + 0.5 + 3) + (10 + 2 + 0.5)
        self.assertAllClose(predict_ms(costs(), ExitSchedule((1, 2, 3), 0.75), exit_layer), late / 4)

    def test_plain_encoder(self):
        plain = predict_ms(costs(), ExitSchedule((3,)), np.full(4, 3))
        self.assertAllClose(plain, (1 + 3 * 40 + 8) / 4)  # one branch, no step

    def test_batch_that_all_rows_have_left(self):
        self.assertAllClose(predict_ms(costs(), ExitSchedule((1, 3)), np.full(4, 1)), (1 + 40 + 8 + 0.5) / 4)

    def test_rows_between_the_measured_ones(self):
        one = ExitCosts(4, (1, 4), (0, 0), (10, 40), (0, 0), (0, 0), (0, 0))
        self.assertAllClose(one.of("layer", np.array([0, 1, 2, 4])), [0, 10, 20, 40])

    @parameterized.product(share=SHRINK_SHARES, exits=[(1, 2, 3, 4, 5), (2, 5), (5,)], batch_size=[1, 4, 7])
    def test_equals_a_walk_row_by_row(self, share, exits, batch_size):
        schedule, one = ExitSchedule(exits, share), costs(batch_size)
        exit_layer = simulate(NormalizedEntropy(), branch_answers(50), 0.4, schedule)["exit_layer"]
        for asked in (False, True):
            expected = walked_ms(one, schedule, exit_layer, asked)
            self.assertAllClose(predict_ms(one, schedule, exit_layer, asked), expected)


class ChoiceTest(tf.test.TestCase, parameterized.TestCase):
    def choose(self, *given, speed=0.4, answers=None, most_loss=None):
        answers = branch_answers() if answers is None else answers
        speeds = [speed] if isinstance(speed, float) else speed
        return choose_exits(given, answers, NormalizedEntropy(), speeds, most_loss)

    @parameterized.parameters(
        ({"branch": 0.1, "step": 0.0, "shrink": 0.0},),  # all but free
        ({"branch": 3.0},),
        ({"branch": 6.0, "shrink": 30.0},),
        ({"branch": 9.0, "step": 5.0},),
        ({"layer": 1.0, "branch": 1.0, "shrink": 20.0},),
    )
    def test_equals_brute_force(self, changes):
        given = (costs(1, **changes), costs(4, **changes))
        # Rows come in the order of the choice's own shuffling: undo it, so that the brute force cuts the same batches.
        answers = branch_answers()
        order = np.random.default_rng(0).permutation(len(answers))
        shuffled = answers[order]
        plain = np.array([walked_ms(one, ExitSchedule((5,)), np.full(len(answers), 5)) for one in given])
        times = {}
        for bits, share in itertools.product(itertools.product([0, 1], repeat=4), SHRINK_SHARES):
            schedule = ExitSchedule((*(layer + 1 for layer in range(4) if bits[layer]), 5), share)
            exit_layer = simulate(NormalizedEntropy(), shuffled, 0.4, schedule)["exit_layer"]
            times[schedule] = np.array([walked_ms(one, schedule, exit_layer) for one in given]) / plain
        paying = {schedule: ratio.mean() for schedule, ratio in times.items() if ratio.max() <= 1 - LEAST_GAIN}
        chosen = self.choose(*given, answers=answers)
        if paying:
            self.assertAllClose(times[chosen].mean(), min(paying.values()))
            self.assertLessEqual(times[chosen].max(), 1 - LEAST_GAIN)
        else:
            self.assertEqual(chosen, ExitSchedule((5,)))

    def test_the_policy_decides_which_exits_can_pay(self):
        """Patience lets nobody go at the first exit that is on, so a single early one never pays."""
        given, answers = costs(1, branch=0.1, step=0.0, shrink=0.0), branch_answers()
        by_patience = choose_exits([given], answers, Patience(1), [0.9])
        self.assertGreater(len(by_patience.exits), 2)
        (time,) = predicted_times([given], by_patience, answers, Patience(1), [0.9])
        exit_layer = simulate(Patience(1), answers, 0.9, by_patience)["exit_layer"]
        self.assertAllClose(time.chosen_ms, walked_ms(given, by_patience, exit_layer))
        self.assertEqual(
            choose_exits([given], answers, Patience(5), [0.3]), ExitSchedule((5,))
        )  # nobody has four before

    def test_cheap_branches_stay_on_and_dear_ones_go(self):
        cheap = self.choose(costs(1, branch=0.0, step=0.0, shrink=0.0))
        dear = self.choose(costs(1, branch=8.0, step=0.0, shrink=0.0))
        self.assertEqual(cheap.exits, (1, 2, 3, 4, 5))
        self.assertLess(len(dear.exits), 5)

    def test_exits_that_cost_more_than_they_save_are_left_out(self):
        self.assertEqual(self.choose(costs(4, layer=1.0, branch=4.0)), ExitSchedule((5,)))

    def test_exits_must_pay_at_every_batch_size(self):
        pays, does_not = costs(1, branch=0.1), costs(4, layer=1.0, branch=4.0)
        self.assertGreater(len(self.choose(pays).exits), 1)
        self.assertEqual(self.choose(pays, does_not), ExitSchedule((5,)))

    def test_at_speed_0_no_branch_pays(self):
        self.assertEqual(self.choose(costs(1, branch=0.1), speed=0.0), ExitSchedule((5,)))

    def test_all_speeds_count(self):
        """The choice for several speeds has the least mean of those that are slower at none of them."""
        speeds, answers = [0.0, 0.1, 0.4, 0.8], branch_answers()
        given = (costs(1, branch=1.5), costs(4, branch=1.0))
        shuffled = answers[np.random.default_rng(0).permutation(len(answers))]
        plain = np.array([walked_ms(one, ExitSchedule((5,)), np.full(len(answers), 5)) for one in given])
        means = {}
        for exits in ((*early, 5) for count in range(1, 5) for early in itertools.combinations(range(1, 5), count)):
            exit_layers = [
                simulate(NormalizedEntropy(), shuffled, speed, ExitSchedule(exits))["exit_layer"] for speed in speeds
            ]
            ratios = np.array([
                [walked_ms(one, ExitSchedule(exits), layers, speed > 0) for one in given]
                for speed, layers in zip(speeds, exit_layers, strict=True)
            ]) / plain  # fmt: skip
            if ratios.max() <= 1 + LEAST_GAIN:
                means[exits] = ratios.mean()
        chosen = self.choose(*given, speed=speeds, answers=answers)
        self.assertLess(len(means), 15)  # the promise has refused some
        self.assertEqual(chosen.exits, min(means, key=means.get))

    def test_one_speed_that_loses_is_enough_to_leave_exits_out(self):
        given = costs(1, branch=0.5, step=0.25)  # one early exit adds 1.9 % to the plain encoder, two add 3.4 %
        self.assertGreater(len(self.choose(given, speed=0.8).exits), 2)
        slow = self.choose(given, speed=[1e-9, 0.8])
        self.assertLen(slow.exits, 2)  # where none leaves, one is within the uncertainty, two are not

    def test_uncertain_costs_need_a_larger_gain(self):
        given = costs(1, branch=1.0)
        self.assertGreater(len(self.choose(given, speed=0.8).exits), 1)
        self.assertEqual(self.choose(dataclasses.replace(given, uncertainty=0.95), speed=0.8), ExitSchedule((5,)))

    def test_uncertain_costs_do_not_widen_what_counts_as_slower(self):
        given = costs(1, branch=0.5, step=0.25)
        slow = self.choose(dataclasses.replace(given, uncertainty=0.2), speed=[1e-9, 0.8])
        self.assertLessEqual(len(slow.exits), 2)

    def test_bound_on_rows_that_never_leave(self):
        given = costs(1, branch=1.0)
        plain = walked_ms(given, ExitSchedule((5,)), np.full(4, 5))
        free = self.choose(given, speed=0.8)
        for bound in (0.05, 0.02):
            bounded = self.choose(given, speed=0.8, most_loss=bound)
            self.assertLess(len(bounded.exits), len(free.exits))
            self.assertLessEqual(walked_ms(given, bounded, np.full(4, 5)) / plain, 1 + bound)
        self.assertEqual(self.choose(given, speed=0.8, most_loss=0.0), ExitSchedule((5,)))

    def test_dear_shrinking_should_wait_for_more_rows(self):
        """One row of eight leaves at each of four exits: four small shrinkings, or a large one at the half."""
        exit_layer = np.array([1, 2, 3, 4, 5, 5, 5, 5])
        for shrink, waiting_pays in ((0.0, False), (30.0, True)):
            one = costs(8, shrink=shrink)
            at_once, at_half = (predict_ms(one, ExitSchedule((1, 2, 3, 4, 5), share), exit_layer) for share in (0, 0.5))
            self.assertEqual(at_half < at_once, waiting_pays)

    def test_deep_models_are_searched_branch_by_branch(self):
        """Twelve layers: no worse than any single exit, than all of them, and than exits at regular distances."""
        answers, one = branch_answers(layers=12), costs(4, branch=3.0)
        policy = NormalizedEntropy()
        shuffled = answers[np.random.default_rng(0).permutation(len(answers))]

        def time_of(exits):
            schedule = ExitSchedule(exits)
            return predict_ms(one, schedule, simulate(policy, shuffled, 0.4, schedule)["exit_layer"])

        chosen = self.choose(one, answers=answers)
        others = [(layer, 12) for layer in range(1, 12)]
        others += [tuple(range(step, 13, step)) for step in (1, 2, 3, 4, 6)]
        self.assertLessEqual(time_of(chosen.exits), min(time_of(exits) for exits in others) * 1.001)

    def test_predicted_times(self):
        answers, given = branch_answers(), (costs(1), costs(4))
        schedule = ExitSchedule((2, 5))
        times = predicted_times(given, schedule, answers, NormalizedEntropy(), [0.4])
        self.assertEqual([time.batch_size for time in times], [1, 4])
        for one, time in zip(given, times, strict=True):
            last = np.full(len(answers), 5)
            self.assertAllClose(time.plain_ms, walked_ms(one, ExitSchedule((5,)), last))
            self.assertAllClose(time.no_exit_ms, walked_ms(one, schedule, last))
            self.assertLess(time.chosen_ms, time.no_exit_ms)
            self.assertEqual(PredictedTime.from_dict(json.loads(json.dumps(time.to_dict()))), time)
        alone = simulate(NormalizedEntropy(), answers, 0.4, schedule)["exit_layer"]
        self.assertAllClose(times[0].chosen_ms, walked_ms(given[0], schedule, alone))  # at batch 1 order is nothing


if __name__ == "__main__":
    tf.test.main()
