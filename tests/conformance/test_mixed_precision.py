"""Under mixed bfloat16 weights stay float32, promised outputs are float32, and numbers stay close."""

from __future__ import annotations

import keras
import numpy as np
import registry
import stack_cases
import tensorflow as tf
from absl.testing import parameterized

NETWORKS = [*registry.LAYERS, *registry.MODELS]


class MixedPrecisionTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.named_parameters(registry.named(NETWORKS))
    def test_forward_pass(self, case):
        exact = registry.built(case)
        mixed = registry.built(case, "mixed_bfloat16")
        self.assertEqual({weight.dtype for weight in mixed.trainable_weights}, {"float32"})
        mixed.set_weights(exact.get_weights())
        inputs = case.inputs()
        for a, b in zip(case.call(exact, inputs), case.call(mixed, inputs), strict=True):
            self.assertEqual(keras.backend.standardize_dtype(a.dtype), "float32")
            self.assertEqual(keras.backend.standardize_dtype(b.dtype), "float32" if case.float32_output else "bfloat16")
            b = np.asarray(keras.ops.convert_to_numpy(b), np.float32)
            self.assertTrue(np.isfinite(b).all())
            self.assertLess(np.abs(a - b).max(), 0.05 * np.abs(a).max())
            self.assertGreater(np.abs(a - b).max(), 0, "the policy had no effect")

    @parameterized.named_parameters(registry.named(registry.LOSSES))
    def test_loss_computes_in_float32(self, case):
        target, prediction = (tf.cast(x, tf.bfloat16) for x in case.inputs())
        value = case.make()(target, prediction)
        self.assertEqual(keras.backend.standardize_dtype(value.dtype), "float32")
        rounded = case.make()(tf.cast(target, tf.float32), tf.cast(prediction, tf.float32))
        self.assertAllClose(value, rounded, rtol=1e-6)

    @parameterized.named_parameters(registry.named(registry.STAGES))
    def test_stage_trains(self, case):
        stage, inputs, labels = registry.built_stage(case, "mixed_bfloat16")
        stage.compile(optimizer=keras.optimizers.SGD(0.01), run_eagerly=True)
        self.assertTrue(np.isfinite(stage.train_on_batch(inputs, labels)).all())
        self.assertEqual({weight.dtype for weight in stage.trainable_weights}, {"float32"})
        for weight in stage.trainable_weights:
            self.assertTrue(np.isfinite(weight.numpy()).all(), weight.path)

    @parameterized.named_parameters(registry.named(stack_cases.STACKS))
    def test_stack_answers_in_float32(self, case):
        stack = case.make(registry.built(registry.MODELS[-1], "mixed_bfloat16"))
        state = stack.start(registry.token_inputs())
        probabilities = stack.classify(0, stack.layer(0, state))
        self.assertEqual(probabilities.dtype, tf.float32)
        self.assertAllClose(tf.reduce_sum(probabilities, -1), np.ones(registry.BATCH), atol=1e-6)


if __name__ == "__main__":
    tf.test.main()
