"""One small int8 product, to see whether this machine computes it right."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

OP = "_QuantizedMatMul"
"""oneDNN's int8 product in TensorFlow: one scale an output; bias and the way back to float32 in the same op."""
_TOKENS, _INPUTS, _OUTPUTS = 5, 64, 48
_LARGEST_CODE, _LARGEST_WEIGHT = 255, 127


def int8_product_error() -> float:
    """Computes products of the largest codes and weights, and of random ones.

    A processor without VNNI adds neighbours in 16 bits, where the sum of two large products is cut off without a word.

    Returns:
        The largest distance from integer arithmetic; 0 where all is well.

    Raises:
        tf.errors.OpError: this TensorFlow cannot run the op.
    """
    rng = np.random.default_rng(0)
    codes = rng.integers(0, _LARGEST_CODE + 1, (_TOKENS, _INPUTS)).astype(np.uint8)
    kernel = rng.integers(-_LARGEST_WEIGHT, _LARGEST_WEIGHT + 1, (_INPUTS, _OUTPUTS)).astype(np.int8)
    codes[0], kernel[:, 0], kernel[:, 1] = _LARGEST_CODE, _LARGEST_WEIGHT, -_LARGEST_WEIGHT
    expected = codes.astype(np.int64) @ kernel.astype(np.int64)  # (tokens, outputs); float32 holds them exactly
    return float(np.abs(_product(codes, kernel) - expected).max())


def _product(codes: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Runs the op on uint8 (tokens, inputs) and int8 (inputs, outputs), as an exported graph does."""
    with tf.Graph().as_default() as graph, tf.compat.v1.Session(graph=graph) as session:
        fed = tf.compat.v1.placeholder(tf.uint8, codes.shape)
        limit = np.full(kernel.shape[1], _LARGEST_WEIGHT, np.float32)
        tensors = [tf.bitcast(fed, tf.quint8), tf.bitcast(tf.constant(kernel), tf.qint8), tf.zeros_like(limit)]
        # Ranges in which one unit of a code and of a weight stands for 1.
        ranges = [tf.constant(bound, tf.float32) for bound in (0, _LARGEST_CODE, -limit, limit)]
        attributes = _attributes(tensors, ranges)
        product = graph.create_op(OP, [*tensors, *ranges], [tf.float32], name="int8_product", attrs=attributes)
        return session.run(product.outputs[0], {fed: codes})


def _attributes(tensors: list[tf.Tensor], ranges: list[tf.Tensor]) -> dict[str, tf.compat.v1.AttrValue]:
    types = {"T1": tf.quint8, "T2": tf.qint8, "Tbias": tf.float32, "U": tf.float32, "Tout": tf.float32}
    lists = {
        "Tdevice_inputs": [tensor.dtype for tensor in tensors],
        "Thost_inputs": [bound.dtype for bound in ranges],
        "Tdevice_outputs": [tf.float32],
        "Thost_outputs": [],
    }
    value = tf.compat.v1.AttrValue
    return {
        **{name: value(type=dtype.as_datatype_enum) for name, dtype in types.items()},
        **{name: value(list={"type": [dtype.as_datatype_enum for dtype in each]}) for name, each in lists.items()},
        "fused_ops": value(list={"s": [b"BiasAdd", b"Dequantize"]}),
        "output_quant_mode": value(s=b"MIN_FIRST"),
    }
