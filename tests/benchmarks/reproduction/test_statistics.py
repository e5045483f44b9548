"""The trend and the bootstrap, against SciPy and by hand."""

import numpy as np
import tensorflow as tf
from harness.reproduction.bootstrap import at_costs, estimates, with_mean
from harness.reproduction.trend import falling_trend
from scipy import stats


class TrendTest(tf.test.TestCase):
    def test_against_scipy(self):
        """The statistic is Pearson's correlation of score and success times the root of the rows."""
        right, rows, scores = [40, 45, 30, 12], [42, 50, 40, 20], [0.0, 0.25, 0.6, 1.0]
        found = falling_trend(right, rows, scores)
        score = np.repeat(scores, rows)
        success = np.concatenate([np.arange(count) < good for good, count in zip(right, rows, strict=True)])
        z = -np.sqrt(len(score)) * stats.pearsonr(score, success).statistic
        self.assertAllClose([found.z, found.p], [z, stats.norm.sf(z)])
        drawn = stats.permutation_test(
            (success, score), lambda x, y: x @ y, permutation_type="pairings", alternative="less", n_resamples=4000,
            vectorized=False, rng=np.random.default_rng(0),
        )  # fmt: skip
        self.assertAllClose(found.p, drawn.pvalue, atol=2e-3)

    def test_direction_and_nothing_to_test(self):
        self.assertGreater(falling_trend([1, 5, 9], [10, 10, 10]).p, 0.99)
        self.assertAllClose(falling_trend([5, 0, 5], [10, 0, 10]).p, 0.5)
        for right, rows in (([10, 10], [10, 10]), ([4, 0], [9, 0]), ([0, 0], [0, 0])):
            self.assertIsNone(falling_trend(right, rows))
        with self.assertRaisesRegex(ValueError, "as many successes"):
            falling_trend([3], [2])


class BootstrapTest(tf.test.TestCase):
    def test_interval_of_a_mean(self):
        """The percentile interval of a share is close to the normal one."""
        right = (np.arange(1000) % 4 == 0).astype(float)[:, None]
        (found,) = estimates(lambda weights: weights @ right, 1000)
        error = 1.96 * np.sqrt(0.25 * 0.75 / 1000)
        self.assertAllClose(
            [found["value"], found["low"], found["high"]], [0.25, 0.25 - error, 0.25 + error], atol=3e-3
        )

    def test_between_points_of_a_curve(self):
        found = at_costs(np.array([[0.9, 0.5, 0.8]]), np.array([[10.0, 2.0, 6.0]]), np.array([[1.0, 4.0, 8.0, 20.0]]))
        self.assertAllClose(found, [[0.5, 0.65, 0.85, 0.9]])
        self.assertAllClose(with_mean(np.array([[1.0, 3.0]])), [[1.0, 3.0, 2.0]])


if __name__ == "__main__":
    tf.test.main()
