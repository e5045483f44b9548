"""Layer normalisation with constant weights."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

FUSED_EPSILON = 1e-3
"""What TensorFlow's fused layer norm adds to the variance, whatever epsilon it replaces."""


def fused_unit(epsilon: float) -> float:
    """Returns what must stand for 1 in the inputs of a `LayerNorm`, so that the fused epsilon is the model's."""
    return float((FUSED_EPSILON / max(epsilon, 1e-12)) ** 0.5)


class LayerNorm:
    """Normalises tokens, in float32 whatever the type of the input.

    TensorFlow's graph optimizer makes one oneDNN operation of it, with an epsilon of its own. Inputs must be in the
    unit in which that is right: see `fused_unit`.

    Args:
        gamma: (hidden,), the scale.
        beta: (hidden,), the offset.
        epsilon: added to the variance.
        dtype: TensorFlow type of the result.
    """

    def __init__(self, gamma: np.ndarray, beta: np.ndarray, epsilon: float, dtype: tf.DType = tf.float32) -> None:
        self.gamma = gamma.astype(np.float32)
        self.beta = beta.astype(np.float32)
        self.epsilon = epsilon
        self.dtype = dtype

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Normalises (tokens, hidden)."""
        x = tf.cast(x, tf.float32)
        mean = tf.reduce_mean(x, axis=1, keepdims=True)  # (tokens, 1)
        variance = tf.reduce_mean(tf.math.squared_difference(x, mean), axis=1, keepdims=True)
        # This form is the one that the optimizer knows.
        scale = tf.math.rsqrt(variance + self.epsilon) * tf.constant(self.gamma)  # (tokens, hidden)
        return tf.cast(x * scale + (tf.constant(self.beta) - scale * mean), self.dtype)
