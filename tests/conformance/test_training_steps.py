"""Everything trainable trains: gradients reach every weight, and one step of `fit` moves what it should."""

from __future__ import annotations

import keras
import numpy as np
import registry
import tensorflow as tf
from absl.testing import parameterized

NETWORKS = [*registry.LAYERS, *registry.MODELS]


class TrainingStepTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.named_parameters(registry.named(NETWORKS))
    def test_one_step_moves_every_weight(self, case):
        network, inputs = registry.built(case), case.inputs()
        optimizer = keras.optimizers.Adam(1e-2)
        before = [weight.numpy() for weight in network.trainable_weights]
        self.assertNotEmpty(before)
        with tf.GradientTape() as tape:
            loss = self._linear_functional(case.call(network, inputs, **_training(case)))
        gradients = tape.gradient(loss, [weight.value for weight in network.trainable_weights])
        optimizer.apply(gradients, network.trainable_weights)
        self.assertTrue(np.isfinite(loss))
        for weight, old in zip(network.trainable_weights, before, strict=True):
            self.assertTrue(np.isfinite(weight.numpy()).all(), weight.path)
            if not weight.path.endswith(case.motionless):
                self.assertGreater(np.abs(weight.numpy() - old).max(), 1e-4, weight.path)

    @staticmethod
    def _linear_functional(outputs):
        """A loss whose gradient survives layer normalisation, unlike a mean or a mean square."""
        rng = np.random.default_rng(5)
        return tf.add_n([tf.reduce_sum(y * rng.normal(size=y.shape).astype(np.float32)) for y in outputs])

    @parameterized.named_parameters(registry.named(registry.LOSSES))
    def test_loss_has_a_finite_gradient(self, case):
        target, prediction = map(tf.constant, case.inputs())
        with tf.GradientTape() as tape:
            tape.watch(prediction)
            value = case.make()(target, prediction)
        gradient = tape.gradient(value, prediction).numpy()
        self.assertEqual(value.shape, ())
        self.assertTrue(np.isfinite(value))
        self.assertTrue(np.isfinite(gradient).all())
        self.assertGreater(np.abs(gradient).max(), 0)

    @parameterized.named_parameters(registry.named(registry.STAGES))
    def test_stage_trains_its_layers_and_no_other(self, case):
        stage, inputs, labels = registry.built_stage(case)
        trained = {id(weight) for weight in stage.trainable_weights}
        weights = stage.network.weights
        before = [weight.numpy() for weight in weights]
        stage.compile(optimizer=keras.optimizers.AdamW(1e-2), jit_compile=False)
        history = stage.fit(inputs, labels, batch_size=registry.BATCH, epochs=1, verbose=0)
        self.assertTrue(np.isfinite(history.history["loss"]).all())
        self.assertNotEmpty(trained)
        for weight, old in zip(weights, before, strict=True):
            if id(weight) not in trained:
                self.assertAllEqual(weight.numpy(), old, weight.path)
            elif not weight.path.endswith(registry.KEY_BIAS):
                self.assertNotAllEqual(weight.numpy(), old, weight.path)


def _training(case):
    """`training=True` where the call takes it, so that dropout acts."""
    instance = case.make("float32")
    return {"training": True} if instance._call_has_training_arg else {}


if __name__ == "__main__":
    tf.test.main()
