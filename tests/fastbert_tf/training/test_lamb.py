"""LAMB against its formula in NumPy."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.config import PretrainingConfig, StageConfig
from fastbert_tf.training import Lamb
from fastbert_tf.training.optimizers import lamb

RATE, DECAY, BETA_1, BETA_2, EPSILON = 0.1, 0.2, 0.9, 0.999, 1e-6
RNG = np.random.default_rng(0)
START = RNG.normal(size=(3, 4)).astype(np.float32)
GRADIENTS = RNG.normal(size=(4, 3, 4)).astype(np.float32)


def steps(start, gradients, is_plain=False, rate=RATE):
    """You et al., 2019, algorithm 2."""
    weight, m, v = start.astype(np.float64), np.zeros_like(start), np.zeros_like(start)
    for t, gradient in enumerate(gradients, start=1):
        m = BETA_1 * m + (1 - BETA_1) * gradient
        v = BETA_2 * v + (1 - BETA_2) * gradient**2
        r = m / (1 - BETA_1**t) / (np.sqrt(v / (1 - BETA_2**t)) + EPSILON)
        if is_plain:
            weight = weight - rate * r
            continue
        u = r + DECAY * weight
        norm = np.linalg.norm(weight)
        weight = weight - rate * (norm / np.linalg.norm(u) if norm else 1.0) * u
    return weight


def trained(start, gradients, name="kernel", **options):
    weight = keras.Variable(start, name=name)
    optimizer = Lamb(RATE, decay=DECAY, **options)
    for gradient in gradients:
        optimizer.apply([tf.constant(gradient)], [weight])
    return weight.numpy()


class LambTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(1, 2, 4)
    def test_steps(self, count):
        self.assertAllClose(trained(START, GRADIENTS[:count]), steps(START, GRADIENTS[:count]), rtol=1e-5)

    @parameterized.parameters("bias", "gamma", "beta")
    def test_vectors_take_plain_steps(self, name):
        self.assertAllClose(trained(START, GRADIENTS, name), steps(START, GRADIENTS, is_plain=True), atol=1e-5)

    def test_a_weight_of_zeros_takes_a_ratio_of_1(self):
        zeros = np.zeros_like(START)
        self.assertAllClose(trained(zeros, GRADIENTS[:1]), steps(zeros, GRADIENTS[:1]), rtol=1e-5)

    def test_accumulated_gradients_are_averaged(self):
        means = GRADIENTS.reshape(2, 2, 3, 4).mean(axis=1)
        expected = steps(START, means)
        self.assertAllClose(trained(START, GRADIENTS, gradient_accumulation_steps=2), expected, rtol=1e-5)
        waiting = trained(START, [*GRADIENTS, GRADIENTS[0]], gradient_accumulation_steps=2)
        self.assertAllClose(waiting, expected, rtol=1e-5)

    def test_gradients_of_look_ups(self):
        """Sparse under TensorFlow; rows that were not looked up take their part in the norms."""
        weight = keras.Variable(START, name="embeddings")
        optimizer = Lamb(RATE, decay=DECAY, gradient_accumulation_steps=2)
        for _ in range(2):
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(tf.gather(weight.value, [0, 2, 2]) ** 2)
            gradient = tape.gradient(loss, weight.value)
            self.assertIsInstance(gradient, tf.IndexedSlices)
            optimizer.apply([gradient], [weight])
        dense = 2 * START * np.array([[1], [0], [2]], np.float32)
        self.assertAllClose(weight, steps(START, [dense]), rtol=1e-5)

    def test_differs_from_keras_in_the_decay_alone(self):
        def keras_step(optimizer):
            weight = keras.Variable(START, name="kernel")
            optimizer.apply([tf.constant(GRADIENTS[0])], [weight])
            return weight.numpy()

        keras_lamb = keras.optimizers.Lamb
        self.assertAllClose(keras_step(Lamb(RATE, decay=0.0)), keras_step(keras_lamb(RATE, epsilon=1e-6)), rtol=1e-6)
        expected = steps(START, GRADIENTS[:1])
        self.assertNotAllClose(keras_step(keras_lamb(RATE, weight_decay=DECAY, epsilon=1e-6)), expected, rtol=1e-3)

    def test_config_round_trip(self):
        optimizer = Lamb(0.5, decay=0.1, plain=("bias",), gradient_accumulation_steps=3)
        clone = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
        self.assertEqual(clone.get_config(), optimizer.get_config())
        self.assertEqual((clone.decay, clone.plain, clone.gradient_accumulation_steps), (0.1, ("bias",), 3))

    def test_bad_arguments(self):
        with self.assertRaisesRegex(ValueError, "decay must be at least 0"):
            Lamb(0.1, decay=-1)
        with self.assertRaisesRegex(ValueError, "give decay instead"):
            Lamb(0.1, weight_decay=0.1)


class LearningRateTest(tf.test.TestCase):
    def test_scaled_by_the_root_of_the_batch(self):
        """0.00125 at 4096 rows: half of it at 1024, which 32 batches of 32 make too."""
        config = PretrainingConfig(batch_size=4096)
        self.assertAllClose(config.scaled_learning_rate, 0.00125)
        for options in ({"batch_size": 1024}, {"batch_size": 32, "accumulation": 32}):
            self.assertAllClose(PretrainingConfig(**options).scaled_learning_rate, 0.000625)

    def test_warm_up_and_decay_count_batches(self):
        config = PretrainingConfig(
            batch_size=1024, accumulation=4, training=StageConfig(epochs=1, learning_rate=0.004, warmup=0.2)
        )
        optimizer = lamb(config, batches=10)
        rates = [float(optimizer._learning_rate(step)) for step in range(10)]
        self.assertAllClose(rates[:3], [0.002, 0.004, 0.004])
        self.assertAllClose(rates[-1], 0.004 / 8)


if __name__ == "__main__":
    tf.test.main()
