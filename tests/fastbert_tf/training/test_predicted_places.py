"""Places are gathered whole, in order, whatever is known of the shape."""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.training.predicted_places import number_of, predicted_places, unpredicted


def labels_of(share, shape=(6, 20), seed=0):
    rng = np.random.default_rng(seed)
    return np.where(rng.random(shape) < share, rng.integers(0, 9, shape), -1).astype(np.int32)


class PredictedPlacesTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(0.0, 0.1, 0.2, 1.0)
    def test_places_and_labels(self, share):
        labels = labels_of(share)
        where = np.flatnonzero(labels.reshape(-1) >= 0)
        places, targets = (np.array(x) for x in predicted_places(labels, max(share, 0.01)))
        count = len(where)
        self.assertAllEqual(places[:count], where)
        self.assertAllEqual(targets[:count], labels.reshape(-1)[where])
        self.assertAllEqual(targets[count:], np.full(len(targets) - count, -1))
        self.assertEqual(number_of(targets), count)
        self.assertEqual(unpredicted(labels, targets), 0)

    def test_room(self):
        """15 % of 32 x 128 = 614.4, and 5 times its root."""
        places, _ = predicted_places(labels_of(0.15, (32, 128)), 0.15)
        self.assertEqual(len(places), math.ceil(614.4 + 5 * math.sqrt(614.4)))
        self.assertLen(predicted_places(labels_of(1.0), 1.0)[0], 120)
        self.assertLen(predicted_places(labels_of(0.0), 0.0)[0], 1)

    def test_the_same_room_where_the_shape_is_not_known(self):
        labels = labels_of(0.15, (16, 50))
        graph = tf.function(
            lambda x: predicted_places(x, 0.15), input_signature=[tf.TensorSpec([None, None], tf.int32)]
        )
        for one, other in zip(graph(labels), predicted_places(labels, 0.15), strict=True):
            self.assertAllEqual(one, other)

    def test_what_finds_no_room_is_counted(self):
        labels = labels_of(1.0)
        _, targets = predicted_places(labels, 0.1)
        self.assertEqual(unpredicted(labels, targets), 120 - math.ceil(12 + 5 * math.sqrt(12)))


if __name__ == "__main__":
    tf.test.main()
