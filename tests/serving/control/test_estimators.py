"""Arrival rate, latency model and the choice of a speed, against known truths."""

import random

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from fastbert_serving.control.arrival_rate import ArrivalRate
from fastbert_serving.control.latency_model import LatencyModel
from fastbert_serving.control.speed_choice import SpeedChoice
from fastbert_serving.control.tail_ratio import TailRatio


def arrivals(rate, start, end, seed=0):
    """Times of a Poisson process."""
    rng, times, now = random.Random(seed), [], start
    while (now := now + rng.expovariate(rate)) < end:
        times.append(now)
    return times


class ArrivalRateTest(tf.test.TestCase):
    def test_mean_of_a_steady_stream(self):
        rate = ArrivalRate(0.0)
        for now in arrivals(100, 0, 20):
            rate.add(now, 3)
        self.assertAllClose(rate.rate(20.0), 300, rtol=0.2)

    def test_surge_shows_within_a_quarter_of_a_second(self):
        rate = ArrivalRate(0.0)
        for now in [*arrivals(20, 0, 10), *arrivals(400, 10, 10.25)]:
            rate.add(now, 1)
        self.assertGreater(rate.rate(10.25), 200)

    def test_noise_is_no_surge(self):
        rate, highest = ArrivalRate(0.0), 0.0
        for now in arrivals(50, 0, 100):
            rate.add(now, 1)
            highest = max(highest, rate.rate(now) if now > 10 else 0)
        self.assertLess(highest, 100)

    def test_three_calls_at_once_are_no_surge(self):
        rate = ArrivalRate(0.0)
        for _ in range(3):
            rate.add(100.0, 1)
        self.assertLess(rate.rate(100.0), 2.0)

    def test_falls_slowly_and_to_zero(self):
        rate = ArrivalRate(0.0)
        for now in arrivals(100, 0, 10):
            rate.add(now, 1)
        self.assertGreater(rate.rate(11.0), 60)
        self.assertEqual(rate.rate(16.0), 0)


class LatencyModelTest(tf.test.TestCase):
    def test_learns_a_line(self):
        model, rng = LatencyModel(), random.Random(0)
        for tick in range(200):
            work = rng.choice([1, 3, 9, 30, 80])
            model.observe(tick / 4, work, (0.02 + 0.005 * work) * rng.lognormvariate(0, 0.1))
        self.assertAllClose(model.slope, 0.005, rtol=0.15)
        self.assertAllClose(model.fixed, 0.02, rtol=0.3)

    def test_one_load_alone_is_split_by_the_prior(self):
        model = LatencyModel()
        for tick in range(50):
            model.observe(tick, 2.0, 0.1)
        self.assertAllClose((model.slope, model.fixed), (0.6 * 0.05, 0.4 * 0.1))

    def test_calm_does_not_drive_out_a_surge_at_once(self):
        model = LatencyModel()
        for tick in range(20):
            model.observe(tick, 60.0, 0.02 + 0.005 * 60)
        for tick in range(20, 100):
            model.observe(tick, 2.0, 0.02 + 0.005 * 2)
        self.assertAllClose(model.slope, 0.005, rtol=0.1)

    def test_a_faster_machine_is_noticed(self):
        model = LatencyModel()
        for tick in range(20):
            model.observe(tick, 60.0, 2 * (0.02 + 0.005 * 60))
        for tick in range(20, 400):
            model.observe(tick, 2.0, 0.02 + 0.005 * 2)
        self.assertAllClose(model.slope, 0.6 * 0.015)

    def test_line_never_falls_and_never_starts_below_zero(self):
        for far in (0.001, 100.0):
            model = LatencyModel()
            for tick in range(10):
                model.observe(tick, 1.0, 0.1)
                model.observe(tick, 50.0, far)
            self.assertGreater(model.slope, 0)
            self.assertGreaterEqual(model.fixed, -1e-12)

    def test_mean_seconds(self):
        model = LatencyModel()
        model.fixed, model.slope = 0.03, 0.01
        self.assertAllClose(model.mean_seconds(0.5, 0.0), 0.02)
        self.assertAllClose(model.mean_seconds(0.5, 0.75), 0.08)


class TailRatioTest(tf.test.TestCase, parameterized.TestCase):
    FIXED, SLOPE = 0.01, 0.005

    def setUp(self):
        super().setUp()
        self.random = np.random.default_rng(0)

    def ratio(self, factors, others=0.0, rows=1.0, pause=0.25):
        """The ratio after answers on the line times `factors`, ten at a time."""
        tail, factors = TailRatio(), np.asarray(factors)
        others, rows = np.broadcast_to(others, factors.shape), np.broadcast_to(rows, factors.shape)
        calls = np.stack([others, rows, factors * (self.FIXED + self.SLOPE * (others + rows))], axis=1)
        for tick, some in enumerate(np.split(calls, len(calls) // 10)):
            tail.observe(tick * pause, some, self.FIXED, self.SLOPE)
        return tail.ratio

    def mix(self, count):
        """One row in twenty takes fifteen times as long."""
        return np.where(self.random.random(count) < 0.05, 15.0, 1.0)

    def test_rows_alike_have_the_least(self):
        self.assertEqual(self.ratio(self.random.lognormal(0, 0.2, 1000)), 2.0)

    def test_slow_rows_among_fast_ones(self):
        self.assertAllClose(self.ratio(self.mix(1000)), 15 / 1.7, rtol=0.15)

    def test_long_calls_among_short_ones(self):
        rows = self.mix(1000)  # 0.01 + 0.005 * 15 over the mean, 0.01 + 0.005 * 1.7
        self.assertAllClose(self.ratio(np.ones(1000), rows=rows), 0.085 / 0.0185, rtol=0.15)
        self.assertEqual(self.ratio(np.ones(1000), rows=32), 2.0)

    def test_a_surge_is_no_tail(self):
        """Its answers take twenty times as long as those of the calm before, and all of them do."""
        others = np.repeat([0.0, 60.0], [900, 100])
        self.assertEqual(self.ratio(np.ones(1000), others), 2.0)

    def test_stalls_count_for_so_much_only(self):
        self.assertEqual(self.ratio(np.where(np.arange(1000) % 50, 1.0, 1000.0)), 10.0)

    @parameterized.parameters((190, 0.25), (1000, 4.0))
    def test_few_answers_or_old_ones_say_nothing(self, count, pause):
        self.assertEqual(self.ratio(self.mix(count), pause=pause), 2.0)

    def test_slow_rows_are_forgotten(self):
        self.assertEqual(self.ratio([*self.mix(1000), *np.ones(1000)]), 2.0)

    def test_answers_in_no_time(self):
        tail = TailRatio()
        tail.observe(0.0, np.tile([0.0, 1.0, 0.0], (500, 1)), fixed=0.0, slope=0.0)
        self.assertEqual(tail.ratio, 2.0)


class SpeedChoiceTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.model = LatencyModel()
        self.model.fixed, self.model.slope = 0.01, 0.01  # 100 rows of cost 1 a second
        self.choice = SpeedChoice({0.0: 1.0, 0.5: 0.5, 1.0: 0.25}, target_p99_seconds=1.0)

    @parameterized.parameters(
        (0, 0, 0.0, 0.0, True),
        (79, 0, 0.0, 0.0, True),
        (81, 0, 0.0, 0.5, True),
        (161, 0, 0.0, 1.0, True),
        (321, 0, 0.0, 1.0, False),
        (40, 41, 0.0, 0.5, True),  # work of calls with their own speed counts
        (10, 100, 0.0, 1.0, False),
        (63, 0, 0.5, 0.0, True),  # down only into 80 % of the limit
        (65, 0, 0.5, 0.5, True),
        (81, 0, 1.0, 0.5, True),
    )
    def test_utilisation(self, rows, work, in_force, want, fits):
        self.assertEqual(self.choice.least(self.model, rows, work, in_force), (want, fits))

    def test_latency(self):
        """Twice the mean of 0.02 / (1 - u) must stay under 0.9 of the target."""
        choice = SpeedChoice({0.0: 1.0, 0.5: 0.5}, target_p99_seconds=0.08)
        self.assertEqual(choice.least(self.model, 44, 0, 0.0).speed, 0.0)  # 0.0714 s
        self.assertEqual(choice.least(self.model, 46, 0, 0.0).speed, 0.5)  # 0.0741 s

    def test_before_the_first_observation_rest_fits(self):
        self.assertEqual(self.choice.least(LatencyModel(), 1e6, 0, 0.0), (0.0, True))


if __name__ == "__main__":
    tf.test.main()
