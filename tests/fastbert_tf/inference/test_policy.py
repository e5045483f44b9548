"""The normalised-entropy policy: a row whose newest answer's uncertainty is strictly below its speed leaves."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.inference import NormalizedEntropy

# Two classes. Uncertainties: certain 0, (1/4, 3/4) 0.811, even 1.
CERTAIN, QUARTER, EVEN = [1.0, 0.0], [0.25, 0.75], [0.5, 0.5]


class PolicyTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(
        (CERTAIN, 0.0, False),  # nothing is below 0: speed 0 is the full model
        (CERTAIN, 0.01, True),
        (QUARTER, 0.81, False),
        (QUARTER, 0.812, True),
        (EVEN, 1.0, False),
        (QUARTER, float("nan"), False),
    )
    def test_threshold(self, probabilities, speed, expected):
        said = [np.float32([probabilities])]  # (rows, classes) each
        self.assertAllEqual(NormalizedEntropy().wants_exit(said, np.float32([speed]), layer=1), [expected])

    def test_reads_the_newest_branch(self):
        said = [np.float32([CERTAIN, EVEN]), np.float32([EVEN, CERTAIN])]
        speed = np.float32([0.5, 0.5])
        self.assertAllEqual(NormalizedEntropy().wants_exit(said[:1], speed, layer=1), [True, False])
        self.assertAllEqual(NormalizedEntropy().wants_exit(said, speed, layer=1), [False, True])

    def test_every_row_has_a_speed_of_its_own(self):
        said = [np.float32([QUARTER] * 3)]
        self.assertAllEqual(
            NormalizedEntropy().wants_exit(said, np.float32([0.0, 0.9, 0.5]), layer=1), [False, True, False]
        )


if __name__ == "__main__":
    tf.test.main()
