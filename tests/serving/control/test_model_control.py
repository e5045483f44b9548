"""Load control over several models and versions."""

import dataclasses

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from fastbert_serving.backend import ServedVersion
from fastbert_serving.control import ModelControl
from fastbert_serving.manifest import Manifest, TokenizerSettings

MANIFEST = Manifest(
    labels=("bad", "good"),
    is_pair=False,
    num_layers=6,
    default_speed=0.1,
    tokenizer=TokenizerSettings(lower_case=True, max_sequence_length=128, vocabulary_size=30522),
    versions={"fastbert_tf": "0"},
    curve={
        "metric_names": ["accuracy"],
        "points": [
            {"speed": 0.0, "executed_flops": 4.0, "metrics": {"accuracy": 0.9}},
            {"speed": 0.5, "executed_flops": 2.0, "metrics": {"accuracy": 0.88}},
            {"speed": 1.0, "executed_flops": 1.0, "metrics": {"accuracy": 0.8}},
        ],
    },
    lowest_accuracy=0.87,
)


def served(name="films", version=1, **changes):
    return ServedVersion(name, version, {}, dataclasses.replace(MANIFEST, **changes))


class ModelControlTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.now = 0.0

    def test_speed_of_the_manifest_at_rest_and_bounds_of_the_manifest(self):
        control = ModelControl(0.1)
        with control.admit(served(), 1, None) as speed:
            self.assertEqual(speed, 0.1)
        state = control.states()["films"]
        self.assertEqual((state.lowest_speed, state.highest_speed), (0.1, 0.5))
        self.assertAllClose(state.target_p99_seconds, 0.1)

    def test_the_state_is_that_of_the_version_with_the_most_load(self):
        control = ModelControl(0.1)
        for version, calls in ((1, 20), (2, 1)):
            for _ in range(calls):
                with control.admit(served(version=version, default_speed=version / 10), 1, None):
                    pass
        with control.admit(served(version=3, default_speed=0.3), 50, None):
            pass
        control.admit(served(version=1), 1, None)  # the last call is not what counts
        self.assertEqual(control.states()["films"].lowest_speed, 0.3)

    def test_named_speeds_are_kept(self):
        with ModelControl(0.1).admit(served(), 2, np.float32([0, 1])) as speed:
            self.assertIsNone(speed)

    @parameterized.parameters(
        ({"curve": None}, "manifest has none"), ({"lowest_accuracy": None}, "the manifest has no lowest_accuracy")
    )
    def test_models_that_cannot_be_controlled_keep_their_speed(self, changes, words):
        control = ModelControl(0.1)
        with self.assertLogs("absl", "WARNING") as logs:
            for _ in range(3):
                with control.admit(served(**changes), 1, None) as speed:
                    self.assertIsNone(speed)
        self.assertLen(logs.output, 1)  # once a version
        self.assertRegex(logs.output[0], f"films version 1: .*{words}")
        self.assertEmpty(control.states())

    def test_model_without_a_manifest(self):
        control = ModelControl(0.1)
        with control.admit(ServedVersion("other", 1, {}, None), 1, None) as speed:
            self.assertIsNone(speed)

    def test_models_and_versions_apart(self):
        control = ModelControl(0.1)
        for version in (1, 2):
            control.admit(served(version=version, default_speed=version / 10), 1, None)
        control.admit(served("books"), 1, None)
        self.assertEqual({name: state.speed for name, state in control.states().items()}, {"films": 0.2, "books": 0.1})
        with control.admit(served(version=1), 1, None) as speed:  # still asked for by number
            self.assertEqual(speed, 0.1)

    def test_old_versions_are_forgotten(self):
        control = ModelControl(0.1)
        for version in range(1, 100):
            control.admit(served(version=version), 1, None)
        self.assertLess(len(control._versions["films"]), 10)

    def test_the_version_in_use_is_not_forgotten(self):
        control = ModelControl(0.1, lambda: self.now)
        control.admit(served(version=1), 1, None)
        before = control._versions["films"][1].controller
        for version in range(2, 100):
            self.now += 1
            control.admit(served(version=version), 1, None)
            control.admit(served(version=1), 1, None)
        self.assertIs(control._versions["films"][1].controller, before)

    def test_a_manifest_that_comes_late(self):
        """A gateway may find it after the first calls, and must not take an idle version for the model meanwhile."""
        control = ModelControl(0.1, lambda: self.now)
        control.admit(served(version=1), 1, None)
        with self.assertLogs("absl", "WARNING") as logs:
            for _ in range(20):
                self.now += 1
                with control.admit(ServedVersion("films", 2, {}, None), 1, None) as speed:
                    self.assertIsNone(speed)
        self.assertLen(logs.output, 1)
        self.assertEmpty(control.states())
        with control.admit(served(version=2, default_speed=0.2), 1, None) as speed:
            self.assertEqual(speed, 0.2)
        self.assertEqual(control.states()["films"].lowest_speed, 0.2)

    def test_the_log_is_not_filled_while_a_manifest_comes_and_goes(self):
        control = ModelControl(0.1)
        with self.assertLogs("absl", "WARNING") as logs:
            for _ in range(5):
                control.admit(ServedVersion("films", 1, {}, None), 1, None)
                control.admit(served(), 1, None)
        self.assertLen(logs.output, 1)

    def test_a_replaced_version_is_not_the_model(self):
        control = ModelControl(0.1, lambda: self.now)
        for _ in range(100):
            control.admit(served(version=1), 50, None)
        for _ in range(11):
            self.assertEqual(control.states()["films"].lowest_speed, 0.1)
            self.now += 1
            control.admit(served(version=2, curve=None), 1, None)
        self.assertEmpty(control.states())
        self.now += 1000
        control.admit(served(version=1), 50, None)
        self.now += 1000  # nobody calls, and nobody has replaced it
        self.assertEqual(control.states()["films"].lowest_speed, 0.1)

    def test_another_manifest_under_the_same_number(self):
        """A version exported again, or another folder: speeds that its accuracy forbids must not be chosen."""
        control = ModelControl(0.1, lambda: self.now)
        control.admit(served(default_speed=0.3), 40, None)
        self.assertEqual(control.states()["films"].highest_speed, 0.5)
        with control.admit(served(lowest_accuracy=0.9), 1, None) as speed:
            self.assertEqual(speed, 0.1)
        state = control.states()["films"]
        self.assertEqual((state.lowest_speed, state.highest_speed), (0.1, 0.1))
        self.assertEqual(state.arrival_rate, 41)  # what was learned stays
        with control.admit(served(lowest_accuracy=None), 1, None) as speed:
            self.assertIsNone(speed)
        self.assertEmpty(control.states())

    def test_an_equal_manifest_changes_nothing(self):
        """A gateway reads it again every other second."""
        control = ModelControl(0.1)
        control.admit(served(), 1, None)
        before = control._versions["films"][1].controller
        control.admit(served(), 1, None)
        self.assertIs(control._versions["films"][1].controller, before)

    def test_target_must_be_positive(self):
        with self.assertRaisesRegex(ValueError, "target_p99_seconds must be positive, but is 0"):
            ModelControl(0)


if __name__ == "__main__":
    tf.test.main()
