"""Everything that has a configuration comes back from it, with the same numbers."""

from __future__ import annotations

import inspect
import json
import os

import keras
import registry
import tensorflow as tf
from absl.testing import parameterized

NETWORKS = [*registry.LAYERS, *registry.MODELS]


def _clone(instance):
    """Through JSON, as keras.saving stores it."""
    text = json.dumps(keras.saving.serialize_keras_object(instance))
    return keras.saving.deserialize_keras_object(json.loads(text))


class RoundTripTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.named_parameters(registry.named(NETWORKS))
    def test_network(self, case):
        network, inputs = registry.built(case), case.inputs()
        for clone in (_clone(network), case.cls.from_config(network.get_config())):
            self.assertEqual(clone.get_config(), network.get_config())
            case.call(clone, inputs)
            clone.set_weights(network.get_weights())
            self._assert_same_outputs(case, network, clone)

    @parameterized.named_parameters(registry.named(NETWORKS))
    def test_keeps_the_dtype_policy(self, case):
        clone = _clone(registry.built(case, "mixed_bfloat16"))
        outputs = case.call(clone, case.inputs())
        expected = "float32" if case.float32_output else "bfloat16"
        self.assertEqual({keras.backend.standardize_dtype(output.dtype) for output in outputs}, {expected})

    @parameterized.named_parameters(registry.named(registry.MODELS))
    def test_keras_file(self, case):
        model = registry.built(case)
        path = os.path.join(self.get_temp_dir(), "model.keras")
        model.save(path)
        self._assert_same_outputs(case, model, keras.saving.load_model(path))

    @parameterized.named_parameters(registry.named(registry.MODELS))
    def test_weights_file(self, case):
        model, other = registry.built(case), case.make("float32")
        path = os.path.join(self.get_temp_dir(), "model.weights.h5")
        model.save_weights(path)
        other.load_weights(path)
        self._assert_same_outputs(case, model, other)

    def _assert_same_outputs(self, case, network, other):
        inputs = case.inputs()
        for a, b in zip(case.call(network, inputs), case.call(other, inputs), strict=True):
            self.assertAllEqual(a, b)

    @parameterized.named_parameters(registry.named([*NETWORKS, *registry.LOSSES, *registry.SCHEDULES]))
    def test_constructor_arguments_are_config_keys(self, case):
        instance = case.make("float32") if isinstance(case, registry.NetworkCase) else case.make()
        parameters = inspect.signature(case.cls.__init__).parameters.values()
        names = {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)} - {"self"}
        self.assertLessEqual(names, set(instance.get_config()))

    @parameterized.named_parameters(registry.named(registry.LOSSES))
    def test_loss(self, case):
        loss = case.make()
        for clone in (_clone(loss), case.cls.from_config(loss.get_config())):
            self.assertEqual(clone.get_config(), loss.get_config())
            self.assertAllEqual(clone(*case.inputs()), loss(*case.inputs()))

    @parameterized.named_parameters(registry.named(registry.SCHEDULES))
    def test_schedule(self, case):
        schedule = case.make()
        for clone in (_clone(schedule), case.cls.from_config(schedule.get_config())):
            self.assertEqual(clone.get_config(), schedule.get_config())
            self.assertAllEqual([clone(step) for step in range(60)], [schedule(step) for step in range(60)])


if __name__ == "__main__":
    tf.test.main()
