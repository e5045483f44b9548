"""Histograms of three rows and two layers, worked out by hand."""

from __future__ import annotations

import json

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.evaluation import BranchOutputs, UncertaintyProfile, uncertainty_profile
from fastbert_tf.inference import NormalizedEntropy

# Uncertainty 1 (interval 19), 0.469 (interval 9), 0.081 (interval 1).
UNSURE, FAIR, SURE = (0.5, 0.5), (0.9, 0.1), (0.99, 0.01)
PROBABILITIES = np.array([[SURE, SURE], [FAIR, SURE], [UNSURE, FAIR]], np.float32)


def counts(**intervals: int) -> list[int]:
    """A histogram from `i<interval>=count`."""
    histogram = [0] * 20
    for name, count in intervals.items():
        histogram[int(name[1:])] = count
    return histogram


def profile(labels: list[int] | None, speeds=(0.0, 0.3)) -> UncertaintyProfile:
    lengths = np.ones(3, np.int32)
    labels = None if labels is None else np.array(labels, np.int32)
    return uncertainty_profile(BranchOutputs(PROBABILITIES, labels, lengths), NormalizedEntropy(), speeds)


class UncertaintyProfileTest(tf.test.TestCase, parameterized.TestCase):
    def test_all_rows(self):
        self.assertAllEqual(profile(None).all_rows, [counts(i1=1, i9=1, i19=1), counts(i1=2, i9=1)])

    def test_correct(self):
        self.assertAllEqual(profile([0, 1, 0]).correct, [counts(i1=1, i19=1), counts(i1=1, i9=1)])
        self.assertIsNone(profile(None).correct)

    def test_only_rows_that_get_that_far(self):
        found = profile(None)
        self.assertEqual(found.speeds, (0.0, 0.3))
        self.assertAllEqual(found.reaching[0], found.all_rows)
        self.assertAllEqual(found.reaching[1], [counts(i1=1, i9=1, i19=1), counts(i1=1, i9=1)])
        everyone_left = profile(None, [0.5]).reaching[0]
        self.assertAllEqual(everyone_left[1], counts(i9=1))

    def test_round_trip(self):
        for found in (profile([0, 1, 0]), profile(None)):
            self.assertEqual(UncertaintyProfile.from_dict(json.loads(json.dumps(found.to_dict()))), found)

    def test_speed_out_of_range(self):
        with self.assertRaisesRegex(ValueError, r"speed must be in \[0, 1\], but is nan"):
            profile(None, [float("nan")])


if __name__ == "__main__":
    tf.test.main()
