"""A dense layer of a trained model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

Activation = Callable[[tf.Tensor], tf.Tensor]


class Dense:
    """Matrix product, bias and activation.

    oneDNN packs a constant kernel once, which is faster at few tokens, but in the form that suits the first number of
    tokens. In float32 other numbers want other forms, and it is packed again at every call: a kernel of float32 that
    meets both few and many tokens belongs into a variable, which is read as it is.

    Args:
        kernel: (inputs, outputs).
        bias: (outputs,).
        dtype: TensorFlow type of weights, inputs and outputs.
        activation: applied to the result; None is linear.
        in_variable: whether the kernel is a variable; else it is a constant.
    """

    def __init__(
        self,
        kernel: np.ndarray,
        bias: np.ndarray,
        dtype: tf.DType = tf.float32,
        activation: Activation | None = None,
        in_variable: bool = False,
    ) -> None:
        self.kernel = kernel.astype(dtype.as_numpy_dtype)
        self.bias = bias.astype(dtype.as_numpy_dtype)
        self.activation = activation
        self.variables: list[Any] = []
        if in_variable:
            self.variables = [keras.Variable(self.kernel, dtype=dtype.name, trainable=False, name="kernel")]

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Transforms (tokens, inputs) to (tokens, outputs)."""
        kernel = self.variables[0].value if self.variables else tf.constant(self.kernel)
        y = tf.nn.bias_add(tf.matmul(x, kernel), tf.constant(self.bias))
        return self.activation(y) if self.activation else y


def gelu(x: tf.Tensor) -> tf.Tensor:
    """Exact GELU, in the form that TensorFlow's graph optimizer fuses into the product before it."""
    return (tf.math.erf(x * 0.5**0.5) + 1.0) * 0.5 * x


def gelu_tanh(x: tf.Tensor) -> tf.Tensor:
    """The approximation of GELU with tanh."""
    return tf.nn.gelu(x, approximate=True)


ACTIVATIONS: dict[str, Activation] = {"gelu": gelu, "gelu_tanh": gelu_tanh}
"""By the names of `BackboneConfig.activation`."""
