"""The normalised-entropy policy: strictly below the speed leaves, at the last layer every row leaves."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.inference import ExitPolicy, NormalizedEntropy

# Two layers, two classes. Uncertainties: certain 0, (1/4, 3/4) 0.811, even 1.
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
        said = np.float32([[probabilities, [0, 0]]])  # (rows, layers, classes)
        self.assertAllEqual(NormalizedEntropy().wants_exit(said, 0, np.float32([speed])), [expected])

    def test_reads_the_newest_branch(self):
        said = np.float32([[CERTAIN, EVEN, [0, 0]], [EVEN, CERTAIN, [0, 0]]])
        speed = np.float32([0.5, 0.5])
        self.assertAllEqual(NormalizedEntropy().wants_exit(said, 0, speed), [True, False])
        self.assertAllEqual(NormalizedEntropy().wants_exit(said, 1, speed), [False, True])

    def test_every_row_has_a_speed_of_its_own(self):
        said = np.float32([[QUARTER, [0, 0]]] * 3)
        self.assertAllEqual(NormalizedEntropy().leaves(said, 0, np.float32([0.0, 0.9, 0.5])), [False, True, False])

    def test_layer_may_be_a_number_or_a_tensor(self):
        said = np.float32([[QUARTER, [0, 0]]])
        for layer in (0, np.int32(0), tf.constant(0)):
            self.assertAllEqual(NormalizedEntropy().leaves(said, layer, np.float32([0.9])), [True])

    def test_at_the_last_layer_every_row_leaves(self):
        class Never(ExitPolicy):
            def wants_exit(self, said, layer, speed):
                return tf.zeros(said.shape[0], tf.bool)

        said = np.float32([[EVEN, EVEN]])
        self.assertAllEqual(Never().leaves(said, 0, np.float32([1.0])), [False])
        self.assertAllEqual(Never().leaves(said, 1, np.float32([0.0])), [True])


if __name__ == "__main__":
    tf.test.main()
