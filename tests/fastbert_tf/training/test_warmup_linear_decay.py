"""The learning rate of every step, by hand."""

from __future__ import annotations

import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.training import WarmupLinearDecay


class WarmupLinearDecayTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(
        (10, 0.2, [1 / 2, 1, 1, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8]),
        (4, 0.0, [1, 1, 2 / 3, 1 / 3]),
        (4, 1.0, [1 / 4, 2 / 4, 3 / 4, 1]),
        (5, 0.1, [1, 1, 3 / 4, 2 / 4, 1 / 4]),  # half a step of warm-up is one step
        (1, 0.1, [1]),
    )
    def test_by_hand(self, steps, warmup, expected):
        schedule = WarmupLinearDecay(peak=2e-5, steps=steps, warmup=warmup)
        self.assertAllClose([schedule(step) for step in range(steps)], [2e-5 * share for share in expected], rtol=1e-5)

    def test_is_0_after_the_last_step(self):
        self.assertAllEqual([WarmupLinearDecay(1.0, steps=4)(step) for step in (4, 5, 100)], [0, 0, 0])

    @parameterized.parameters(
        ({"steps": 0}, "steps must be at least 1, but is 0"),
        ({"peak": 0.0}, "peak must be positive, but is 0.0"),
        ({"warmup": 1.5}, r"warmup must be in \[0, 1\], but is 1.5"),
    )
    def test_bad_argument(self, arguments, message):
        with self.assertRaisesRegex(ValueError, message):
            WarmupLinearDecay(**{"peak": 1.0, "steps": 10, **arguments})


if __name__ == "__main__":
    tf.test.main()
