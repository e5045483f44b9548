"""Verdicts, of intervals written by hand."""

import tensorflow as tf
from absl.testing import parameterized
from harness.reproduction import cells, claims, verdicts
from harness.reproduction.verdicts import FAILS, HOLDS, OPEN, PARTLY, PENDING, UNTESTED, Tally
from made_outputs import estimate


class VerdictTest(tf.test.TestCase, parameterized.TestCase):
    def test_intervals_decide(self):
        self.assertEqual(verdicts.better(estimate(0.02, 0.001, 0.03)), HOLDS)
        self.assertEqual(verdicts.better(estimate(0.02, -0.001, 0.03)), OPEN)
        self.assertEqual(verdicts.better(estimate(-0.02, -0.03, -0.001)), FAILS)

    def test_both_speedups_are_without_loss(self):
        free, unsure = estimate(-0.001, -0.005, 0.002), estimate(-0.001, -0.0051, 0.002)
        small, lost = estimate(-0.003, -0.0051, -0.001), estimate(-0.02, -0.03, -0.01)
        self.assertEqual(verdicts.no_loss([free, free]), HOLDS)
        self.assertEqual(verdicts.no_loss([free, unsure]), OPEN)
        self.assertEqual(verdicts.no_loss([small, free]), OPEN)  # a loss, but perhaps of less than half a point
        self.assertEqual(verdicts.no_loss([free, lost]), FAILS)
        self.assertEqual(verdicts.no_loss([lost, free]), FAILS)

    def test_savings(self):
        def verdict(*savings, high=0.01):
            return verdicts.saves_enough([estimate(0.2, *ends) for ends in savings], estimate(0, -1, high))

        self.assertEqual(verdict((0.15, 0.3), (0.16, 0.3), high=0.0), HOLDS)
        self.assertEqual(verdict((0.2, 0.3), (0.149, 0.3)), OPEN)
        self.assertEqual(verdict((0.1, 0.149), (0.2, 0.3)), FAILS)
        self.assertEqual(verdict((0.2, 0.3), (0.1, 0.149)), FAILS)
        self.assertEqual(verdict((0.2, 0.3), (0.2, 0.3), high=-0.001), FAILS)

    @parameterized.parameters(
        ([], UNTESTED), ([UNTESTED], UNTESTED), ([PENDING, UNTESTED], PENDING), ([HOLDS], HOLDS),
        ([HOLDS, OPEN], OPEN), ([HOLDS, HOLDS, OPEN], HOLDS), ([HOLDS, OPEN, OPEN], OPEN),
        ([HOLDS, FAILS], OPEN), ([FAILS, FAILS, HOLDS, UNTESTED], FAILS), ([HOLDS, HOLDS, FAILS, OPEN], OPEN),
        ([HOLDS, PENDING], PARTLY), ([HOLDS, HOLDS, PENDING], HOLDS), ([FAILS, FAILS, PENDING, PENDING], PARTLY),
    )  # fmt: skip
    def test_of_most_tasks(self, said, wanted):
        self.assertEqual(verdicts.majority(Tally.of(said)), wanted)

    @parameterized.parameters(
        ([HOLDS, HOLDS], OPEN), ([UNTESTED, UNTESTED], UNTESTED), ([PENDING] * 8, PENDING),
        ([HOLDS, HOLDS, FAILS], FAILS), ([HOLDS, HOLDS, FAILS, HOLDS], HOLDS),
        ([HOLDS, HOLDS, FAILS, *[PENDING] * 5], PARTLY), ([HOLDS, HOLDS, FAILS, OPEN], OPEN),
        ([FAILS, UNTESTED, FAILS, FAILS], FAILS), ([FAILS, FAILS, FAILS, HOLDS, PENDING], FAILS),
    )  # fmt: skip
    def test_three_tasks_must_save(self, said, wanted):
        self.assertEqual(verdicts.enough_tasks(Tally.of(said)), wanted)

    def test_a_tally_in_words(self):
        said = Tally.of([HOLDS, HOLDS, FAILS, OPEN, PENDING, UNTESTED])
        self.assertEqual(
            said.words(),
            "holds on 2, does not hold on 1, undecided on 1, cannot be tested here on 1 of 6 tasks; 1 not run yet",
        )
        self.assertEqual(Tally.of([PENDING]).words(), "")

    def test_findings_of_a_task(self):
        by_name = {claim.name: claim.judge for claim in claims.CLAIMS}
        for judge in by_name.values():
            self.assertEqual(judge({}).verdict, PENDING)
        self.assertEqual(by_name["certified"]({"certified": {}}).verdict, UNTESTED)
        self.assertEqual(cells.in_points(estimate(0.0123, -0.001, 0.02)), "+1.23 [-0.10, +2.00]")

    def test_a_trend_must_rise_to_refute(self):
        (judge,) = (claim.judge for claim in claims.CLAIMS if claim.name == "trend")

        def found(*values):
            return judge({"trend": [{"layer": layer, "z": 0, "p": p, "rows": 9} for layer, p in enumerate(values, 1)]})

        self.assertEqual(found(1e-20, 0.004), (HOLDS, "falls in 2 of 2 branches, p <= 4.0e-03"))
        self.assertEqual(found(1e-20, 0.006).verdict, OPEN)
        self.assertEqual(found(1e-20, 0.994).verdict, OPEN)
        self.assertEqual(found(1e-20, 0.996).verdict, FAILS)
        self.assertEqual(found(1e-20, None), (HOLDS, "falls in 1 of 1 branches, p < 1e-15; 1 cannot be tested"))
        self.assertEqual(found(None, None).verdict, UNTESTED)


if __name__ == "__main__":
    tf.test.main()
