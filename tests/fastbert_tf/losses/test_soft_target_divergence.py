"""Both directions of the divergence, with numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.losses import SoftTargetDivergence

# Teacher (1/2, 1/2) and student (1/4, 3/4):
#   KL(teacher || student) = 1/2 ln(2) + 1/2 ln(2/3) = 1/2 ln(4/3)
#   KL(student || teacher) = 1/4 ln(1/2) + 3/4 ln(3/2)
HALVES = [math.log(0.5), math.log(0.5)]
QUARTERS = [math.log(0.25), math.log(0.75)]
FORWARD = 0.14384103622589045
REVERSE = 0.13081203594113697


class SoftTargetDivergenceTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(("forward", FORWARD), ("reverse", REVERSE))
    def test_by_hand(self, divergence, expected):
        loss = SoftTargetDivergence(divergence)
        self.assertAllClose(loss(np.float32([HALVES]), np.float32([[QUARTERS]])), expected, rtol=1e-6)

    @parameterized.parameters(("forward", REVERSE), ("reverse", FORWARD))
    def test_by_hand_with_the_roles_exchanged(self, divergence, expected):
        loss = SoftTargetDivergence(divergence)
        self.assertAllClose(loss(np.float32([QUARTERS]), np.float32([[HALVES]])), expected, rtol=1e-6)

    @parameterized.parameters(("forward", FORWARD), ("reverse", REVERSE))
    def test_sums_over_students_and_averages_over_rows(self, divergence, one):
        """Row 1: two students at `one` and one that agrees; row 2: one at `one`. Eq. 6 sums over students."""
        teacher = np.float32([HALVES, HALVES])  # (rows, classes)
        students = np.float32([[QUARTERS, QUARTERS, HALVES], [HALVES, QUARTERS, HALVES]])  # (rows, students, classes)
        self.assertAllClose(SoftTargetDivergence(divergence)(teacher, students), (2 * one + one) / 2, rtol=1e-6)

    @parameterized.parameters("forward", "reverse")
    def test_shifting_logits_changes_nothing(self, divergence):
        loss, shift = SoftTargetDivergence(divergence), np.float32(5)
        teacher, student = np.float32([HALVES]), np.float32([[QUARTERS]])
        self.assertAllClose(loss(teacher + shift, student - shift), loss(teacher, student), rtol=1e-5)

    @parameterized.parameters("forward", "reverse")
    def test_no_divergence_from_oneself(self, divergence):
        logits = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
        self.assertAllClose(SoftTargetDivergence(divergence)(logits, logits[:, None]), 0.0, atol=1e-6)

    @parameterized.parameters("forward", "reverse")
    def test_certain_answers_stay_finite(self, divergence):
        logits = np.float32([[100.0, -100.0]])
        self.assertAllClose(SoftTargetDivergence(divergence)(logits, -logits[:, None]), 200.0, rtol=1e-6)

    def test_forward_gradient(self):
        """d KL(t || softmax(z)) / dz = softmax(z) - t."""
        teacher, student = tf.constant([HALVES]), tf.constant([[QUARTERS]])
        with tf.GradientTape() as tape:
            tape.watch(student)
            loss = SoftTargetDivergence("forward")(teacher, student)
        self.assertAllClose(tape.gradient(loss, student), [[[0.25 - 0.5, 0.75 - 0.5]]], atol=1e-6)

    def test_unknown_divergence(self):
        with self.assertRaisesRegex(ValueError, "divergence must be 'forward' or 'reverse', but is 'kl'"):
            SoftTargetDivergence("kl")


if __name__ == "__main__":
    tf.test.main()
