"""Bounds on a risk, against SciPy and the definition."""

import math

import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from scipy import stats

from fastbert_tf.calibration import (
    binomial_cdf,
    binomial_p_value,
    clopper_pearson,
    hoeffding_bentkus_p_value,
    rows_needed,
)


class BoundsTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.product(rows=[1, 7, 600, 20_000], risk=[0.0, 0.005, 0.3, 0.97, 1.0])
    def test_binomial_cdf_is_scipys(self, rows, risk):
        losses = np.unique(np.linspace(0, rows, 50).astype(int))
        self.assertAllClose(
            binomial_cdf(losses, rows, risk), stats.binom.cdf(losses, rows, risk), rtol=1e-8, atol=1e-290
        )

    @parameterized.parameters((0, 100), (3, 598), (40, 5000), (17, 17), (16, 17))
    def test_clopper_pearson_is_scipys(self, losses, rows):
        expected = stats.binomtest(losses, rows, alternative="less").proportion_ci(0.95, "exact").high
        self.assertAllClose(clopper_pearson(losses, rows, 0.95), expected, rtol=1e-9)

    def test_hoeffding_bentkus_by_hand(self):
        """20 losses of 1000 rows against 0.03: h1(0.02, 0.03) = 0.02 ln(2/3) + 0.98 ln(0.98/0.97)."""
        hoeffding = math.exp(-1000 * (0.02 * math.log(2 / 3) + 0.98 * math.log(0.98 / 0.97)))
        bentkus = math.e * stats.binom.cdf(20, 1000, 0.03)
        self.assertLess(bentkus, hoeffding)
        self.assertAllClose(hoeffding_bentkus_p_value([20], 1000, 0.03), [bentkus])
        self.assertAllClose(hoeffding_bentkus_p_value([0], 1000, 0.03), [0.97**1000])  # Hoeffding's is the smaller one
        self.assertAllClose(hoeffding_bentkus_p_value([30, 500, 1000], 1000, 0.03), [1, 1, 1])

    def test_hoeffding_bentkus_is_never_below_the_exact_one(self):
        losses = np.arange(201)
        for bound in (0.005, 0.1, 0.5):
            self.assertAllGreaterEqual(
                hoeffding_bentkus_p_value(losses, 200, bound) - binomial_p_value(losses, 200, bound), -1e-12
            )

    @parameterized.parameters((0.005, 0.95, 598), (0.01, 0.95, 299), (0.01, 0.975, 368), (0.5, 0.5, 1))
    def test_rows_needed(self, bound, confidence, rows):
        self.assertEqual(rows_needed(bound, confidence), rows)
        self.assertLessEqual(binomial_p_value(0, rows, bound), 1 - confidence + 1e-12)
        self.assertGreater(binomial_p_value(0, max(rows - 1, 1), bound), (1 - confidence) * (rows > 1))

    @parameterized.parameters(0.0, 1.0, -0.1, math.nan)
    def test_refuses_bounds_and_confidences_out_of_range(self, value):
        with self.assertRaisesRegex(ValueError, "bound must be"):
            rows_needed(value, 0.95)
        with self.assertRaisesRegex(ValueError, "confidence must be"):
            rows_needed(0.01, value)

    def test_refuses_counts_that_are_none(self):
        for losses, rows in ((-1, 5), (6, 5), (0, 0)):
            with self.assertRaisesRegex(ValueError, "losses must be counts"):
                binomial_cdf(losses, rows, 0.5)


if __name__ == "__main__":
    tf.test.main()
