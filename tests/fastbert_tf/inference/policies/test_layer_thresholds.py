"""A threshold a layer: exact in the middle of the dial, and all of them move together."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.inference import (
    AgreementEntropy,
    ExitLoop,
    ExitPolicy,
    LayerThresholds,
    Margin,
    NormalizedEntropy,
    Patience,
    doubts,
    simulate,
)


class Told(ExitPolicy):
    """Doubts what the first class says."""

    def doubt(self, said, layer):
        return tf.convert_to_tensor(said[-1])[:, 0]


def telling(*rows):
    """Float32 (rows, layers, classes) that make `Told` doubt as it is told (rows, layers)."""
    told = np.float32(rows)
    return np.stack([told, 1 - told], axis=-1)


class LayerThresholdsTest(tf.test.TestCase, parameterized.TestCase):
    def test_by_hand(self):
        policy = LayerThresholds(Told(), (0.5, 0.25))
        found = doubts(policy, telling([0.5, 0.75, 0], [0, 0.25, 0], [1.0, 0.0, 0]))
        self.assertAllClose(found, [[0.5, 0.75], [0, 0.5], [2 / 3, 0]])

    @parameterized.parameters(1.0, 0.3, 0.7311, 1e-3, 1e-30, 7.0)
    def test_the_middle_is_the_threshold_to_the_last_bit(self, threshold):
        threshold = np.float32(threshold)
        steps = [threshold]
        for _ in range(40):
            steps = [np.nextafter(steps[0], np.float32(0)), *steps, np.nextafter(steps[-1], np.float32(9))]
        rng = np.random.default_rng(0)
        inner = np.float32([*steps, *rng.uniform(0, 2 * threshold, 500)])
        policy = LayerThresholds(Told(), (float(threshold),))
        said = [np.stack([inner, 1 - inner], axis=-1)]
        leaves = policy.wants_exit(said, np.full(len(inner), 0.5, np.float32), layer=1)
        self.assertAllEqual(leaves, inner < threshold)
        doubt = policy.doubt(said, 1).numpy()
        self.assertTrue(np.all(np.diff(doubt[np.argsort(inner)]) >= 0))

    def test_other_speeds_move_all_layers_by_one_factor(self):
        policy = LayerThresholds(NormalizedEntropy(), (0.2, 0.05))
        probabilities = np.random.default_rng(1).dirichlet([0.4, 0.4], (400, 3)).astype(np.float32)
        inner = doubts(NormalizedEntropy(), probabilities)
        for speed in (0.1, 0.3, 0.8):
            factor = speed / (1 - speed)
            expected = np.where(inner[:, 0] < 0.2 * factor, 1, np.where(inner[:, 1] < 0.05 * factor, 2, 3))
            found = simulate(policy, probabilities, speed)["exit_layer"]
            self.assertAllEqual(found, expected)
            self.assertLen(set(found), 3)

    def test_threshold_0_never_lets_go_and_speed_1_always(self):
        policy = LayerThresholds(Told(), (0.0, 1e-12, 0.0))
        probabilities = telling([0, 0, 0, 0], [0, 1, 0, 0])
        self.assertAllEqual(doubts(policy, probabilities)[:, ::2], np.ones((2, 2)))  # not 0 / 0
        for speed, layers in ((1.0, [2, 2]), (0.5, [2, 4]), (1e-6, [2, 4]), (0.0, [4, 4])):
            self.assertAllEqual(simulate(policy, probabilities, speed)["exit_layer"], layers)

    def test_default_is_the_wrapped_policy_at_half_speed(self):
        probabilities = np.random.default_rng(2).dirichlet([0.5, 0.5], (50, 4)).astype(np.float32)
        expected = simulate(NormalizedEntropy(), probabilities, 0.5)["exit_layer"]
        found = simulate(LayerThresholds.default(4), probabilities, 0.5)["exit_layer"]
        self.assertAllEqual(found, expected)

    def test_remembers_for_the_wrapped_policy(self):
        self.assertEqual(LayerThresholds(AgreementEntropy(), (0.1,)).memory, 1)
        self.assertEqual(LayerThresholds(Patience(3), (0.1,)).memory, 3)

    def test_round_trip_keeps_the_wrapped_policy(self):
        policy = LayerThresholds(Patience(3), (0.1, 0.0, 2.0))
        self.assertEqual(ExitPolicy.from_dict(policy.to_dict()), policy)
        self.assertEqual(policy.to_dict()["policy"], {"name": "patience", "agreements": 3})

    @parameterized.parameters(
        ((),), ((-0.1,),), ((float("nan"),),), ((float("inf"),),), ((1e39,),), (("0.1",),), ((True,),), (0.5,)
    )
    def test_no_such_thresholds(self, thresholds):
        with self.assertRaisesRegex(ValueError, "thresholds must be finite numbers of at least 0"):
            LayerThresholds(Margin(), thresholds)

    def test_thresholds_of_another_model(self):
        policy = LayerThresholds(Margin(), (0.1, 0.2))
        with self.assertRaisesRegex(ValueError, "thresholds must be 3, one a layer but the last, but are 2"):
            doubts(policy, telling([0, 0, 0, 0]))

        class Deep:
            num_layers = 5

        with self.assertRaisesRegex(ValueError, "thresholds must be 4"):
            ExitLoop(Deep(), policy)


class PolicyRecordsTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(
        ("margin", "is an object with a name"),
        ({"agreements": 3}, "is an object with a name"),
        ({"name": "hope"}, "there is no exit policy 'hope'; take one of "),
        ({"name": ["margin"]}, "there is no exit policy"),
        ({"name": "margin", "temperature": 2}, r"margin has no parameter \['temperature'\]; its parameters are \[\]"),
        ({"name": "patience"}, r"patience needs \['agreements'\]"),
        ({"name": "layer_thresholds", "policy": {"name": "hope"}, "thresholds": [1]}, "no exit policy 'hope'"),
        ({"name": "layer_thresholds", "policy": 3, "thresholds": [1]}, "policy must be an exit policy, but is 3"),
    )
    def test_no_policy(self, values, words):
        with self.assertRaisesRegex(ValueError, words):
            ExitPolicy.from_dict(values)

    def test_another_policy_than_wanted(self):
        with self.assertRaisesRegex(ValueError, "the policy is margin, but patience is wanted"):
            Patience.from_dict({"name": "margin"})


if __name__ == "__main__":
    tf.test.main()
