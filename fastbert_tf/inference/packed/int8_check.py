"""Whether this machine computes int8 products, and computes them right."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from fastbert_tf.inference.packed.int8_dense import OP, Int8Dense
from fastbert_tf.inference.packed.int8_weights import Int8Weights

_SHAPE = (5, 64, 48)  # tokens, inputs, outputs


class Int8Unavailable(RuntimeError):
    """This TensorFlow has no int8 product, or a wrong one."""


def check_int8() -> None:
    """Computes one small product.

    Raises:
        Int8Unavailable: TensorFlow was built without oneDNN, or the result differs from integer arithmetic.
    """
    tokens, inputs, outputs = _SHAPE
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 256, (tokens, inputs)).astype(np.uint8)
    kernel = rng.integers(-127, 128, (inputs, outputs)).astype(np.int8)
    scale = np.linspace(0.5, 2, outputs, dtype=np.float32)
    dense = Int8Dense(Int8Weights(kernel, scale, np.ones(outputs, np.float32)))
    try:
        found = tf.function(dense.__call__, autograph=False)(tf.constant(codes)).numpy()
    except (tf.errors.OpError, LookupError, RuntimeError, ValueError) as error:
        raise Int8Unavailable(_message(f"has no kernel for {OP}: {str(error).splitlines()[0]}")) from error
    expected = (codes.astype(np.int64) @ kernel.astype(np.int64)) * scale + 1
    if not np.allclose(found, expected, rtol=1e-4, atol=1e-2):
        raise Int8Unavailable(_message(f"computes {OP} wrongly, by up to {np.abs(found - expected).max():.3g}"))


def _message(fault: str) -> str:
    return (
        f"int8 needs a TensorFlow with oneDNN and a processor with VNNI, but TensorFlow {tf.__version__} {fault}; "
        "export with --precision float32"
    )
