"""Codes, quantised weights and the int8 product, against integer arithmetic in NumPy."""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.inference.packed.int8_coding import Coding, codes
from fastbert_tf.inference.packed.int8_dense import Int8Dense
from fastbert_tf.inference.packed.int8_weights import Int8Weights, int8_weights

TOKENS, INPUTS, OUTPUTS = 37, 48, 24
_erf = np.vectorize(math.erf)


def _activated(name, x):
    if name == "tanh":
        return np.tanh(x)
    if name == "gelu":
        return 0.5 * x * (1 + _erf(x / math.sqrt(2)))
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def _random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def _call(dense, *inputs):
    return tf.function(dense.__call__, autograph=False)(*map(tf.constant, inputs)).numpy()


class CodingTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(Coding.by_channel, Coding.one_step, Coding.one_range)
    def test_codes_stand_for_the_nearest_number(self, make):
        x = _random(TOKENS, INPUTS) * np.linspace(0.1, 5, INPUTS) + np.linspace(-3, 8, INPUTS)
        coding = make(x.min(0), x.max(0))
        got = codes(tf.constant(x / coding.step + coding.shift, tf.float32)).numpy()
        self.assertEqual(got.dtype, np.uint8)
        error = np.abs((got - coding.zero) * coding.step - x)
        self.assertAllLessEqual(error / coding.step, 0.5 + 1e-4)

    def test_steps_and_zeros_are_shared_as_named(self):
        low, high = np.array([-1.0, 2.0]), np.array([3.0, 3.0])
        own, shared, same = (make(low, high) for make in (Coding.by_channel, Coding.one_step, Coding.one_range))
        self.assertAllClose(own.step, [4 / 255, 1 / 255])
        self.assertAllClose(shared.step, [4 / 255, 4 / 255])
        self.assertAllClose(shared.zero, [63.75, 127.5 - 2.5 * 63.75])  # the second channel lies in the middle
        self.assertAllClose(same.step, [4 / 255, 4 / 255])
        self.assertAllClose(same.zero, [63.75, 63.75])

    def test_what_lies_outside_gets_the_nearest_code(self):
        self.assertAllEqual(
            codes(tf.constant([-1e9, -0.1, 0.0, 254.99, 255.0, 256.0, 1e9])), [0, 0, 0, 254] + [255] * 3
        )

    def test_a_channel_that_never_moves(self):
        coding = Coding.by_channel(np.array([2.0]), np.array([2.0]))
        code = codes(tf.constant(2.0 / coding.step + coding.shift, tf.float32)).numpy()
        self.assertAllClose((code - coding.zero) * coding.step, [2.0], atol=1e-5)


class Int8WeightsTest(tf.test.TestCase):
    def test_the_product_of_codes_is_near_the_product_of_numbers(self):
        x = _random(400, INPUTS) + np.linspace(-2, 2, INPUTS)
        kernel, bias = _random(INPUTS, OUTPUTS, seed=1), _random(OUTPUTS, seed=2)
        coding = Coding.by_channel(x.min(0), x.max(0))
        weights = int8_weights(kernel, bias, coding, x)
        coded = np.rint(x / coding.step + coding.zero)
        got = coded @ weights.kernel.astype(np.float64) * weights.scale + weights.bias
        exact = x @ kernel + bias
        self.assertLess(np.sqrt(np.mean((got - exact) ** 2)), 0.01 * exact.std())

    def test_every_output_has_its_own_scale(self):
        kernel = _random(INPUTS, 2) * [1.0, 1000.0]
        weights = int8_weights(kernel, np.zeros(2), *_whole_numbers(INPUTS))
        self.assertAllClose(weights.kernel * weights.scale, kernel, rtol=0, atol=0.51 * weights.scale.max())
        self.assertLess(np.abs(weights.kernel[:, 0] * weights.scale[0] - kernel[:, 0]).max(), 0.05)

    def test_scales_have_the_least_error_among_those_tried(self):
        """One huge weight is cut off where that serves the other ones."""
        kernel = np.append(np.full(2000, 0.5), 100.0)[:, None]
        weights = int8_weights(kernel, np.zeros(1), *_whole_numbers(2001))
        plain = 100 / 127
        plain_error = np.square(np.rint(kernel / plain) * plain - kernel).sum()
        error = np.square(weights.kernel * weights.scale - kernel).sum()
        self.assertLess(error, plain_error)

    def test_no_weights_at_all(self):
        weights = int8_weights(np.zeros((4, 3)), np.ones(3), *_whole_numbers(4))
        self.assertAllEqual(weights.kernel, np.zeros((4, 3)))
        self.assertAllEqual(weights.bias, np.ones(3))


def _whole_numbers(channels):
    """A coding in which every code stands for itself, and a sample of one token."""
    return Coding(np.ones(channels), np.zeros(channels)), np.ones((1, channels))


class Int8DenseTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        rng = np.random.default_rng(0)
        self.codes = rng.integers(0, 256, (TOKENS, INPUTS)).astype(np.uint8)
        self.weights = Int8Weights(
            kernel=rng.integers(-127, 128, (INPUTS, OUTPUTS)).astype(np.int8),
            scale=rng.uniform(0.5, 2, OUTPUTS).astype(np.float32) * 1e-4,
            bias=rng.normal(size=OUTPUTS).astype(np.float32),
        )
        sums = self.codes.astype(np.int64) @ self.weights.kernel.astype(np.int64)
        self.exact = sums * self.weights.scale.astype(np.float64) + self.weights.bias  # (tokens, outputs)

    def test_linear(self):
        self.assertAllClose(_call(Int8Dense(self.weights), self.codes), self.exact, rtol=1e-5, atol=1e-5)

    def test_residual(self):
        residual = _random(TOKENS, OUTPUTS).astype(np.float32)
        got = _call(Int8Dense(self.weights), self.codes, residual)
        self.assertAllClose(got, self.exact + residual, rtol=1e-5, atol=1e-5)

    @parameterized.parameters("tanh", "gelu", "gelu_tanh")
    def test_activation(self, name):
        got = _call(Int8Dense(self.weights, name), self.codes)
        self.assertAllClose(got, _activated(name, self.exact), rtol=1e-5, atol=2e-5)

    @parameterized.parameters("gelu", "gelu_tanh")
    def test_codes_out(self, name):
        """Results beyond the range get the nearest code."""
        low, high = -0.2, 2.5
        got = _call(Int8Dense(self.weights, name, (low, high)), self.codes)
        self.assertEqual(got.dtype, np.uint8)
        position = np.clip((_activated(name, self.exact) - low) * 255 / (high - low), 0, 255)
        self.assertTrue((position == 255).any() and (position < 255).any())
        self.assertAllLessEqual(np.abs(got - position), 0.5 + 1e-3)

    @parameterized.parameters(0, 1, 5, 16, 129)
    def test_any_number_of_tokens(self, tokens):
        many = np.tile(self.codes, (4, 1))[:tokens]
        exact = np.tile(self.exact, (4, 1))[:tokens]
        self.assertAllClose(_call(Int8Dense(self.weights), many), exact, rtol=1e-5, atol=1e-5)

    def test_a_token_alone_is_the_same_to_the_last_bit(self):
        together = _call(Int8Dense(self.weights, "gelu"), self.codes)
        for token in (0, 20, 36):
            self.assertAllEqual(
                _call(Int8Dense(self.weights, "gelu"), self.codes[token : token + 1])[0], together[token]
            )

    def test_models_of_one_shape_do_not_share_scales(self):
        """oneDNN's products are cached by shape and by the addresses of scales."""
        for factor in (1.0, 2.0, 3.0, 4.0):
            weights = Int8Weights(
                self.weights.kernel, (self.weights.scale * factor).astype(np.float32), 0 * self.weights.bias
            )
            got = _call(Int8Dense(weights), self.codes)
            self.assertAllClose(got, (self.exact - self.weights.bias) * factor, rtol=1e-5, atol=1e-4)


if __name__ == "__main__":
    tf.test.main()
