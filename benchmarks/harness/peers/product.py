"""One large matrix product in stock TensorFlow: the limit of the machine, as an engine that ignores its tokens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from harness.peers.engine import Answers, Engine, Tokens

TOKENS, INPUTS, OUTPUTS = 4096, 768, 3072
OPERATIONS = 2 * TOKENS * INPUTS * OUTPUTS


def load(source: Path, precision: str, threads: int) -> Engine:
    """Builds the product of a variable and constant weights; one number of the result leaves the graph."""
    graph = tf.Graph()
    with graph.as_default():
        values, product = _int8() if precision == "int8" else _float(tf.as_dtype(precision))
        inputs = tf.compat.v1.get_variable("inputs", initializer=values, use_resource=True)
        config = tf.compat.v1.ConfigProto(intra_op_parallelism_threads=threads, inter_op_parallelism_threads=1)
        session = tf.compat.v1.Session(config=config)
        session.run(inputs.initializer)
        function = session.make_callable(product(inputs)[0, 0])

    def call(_: Tokens) -> Answers:
        return {"probabilities": np.array([[float(function())]], np.float32)}  # (1, 1)

    return call


def _random(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape, np.float32)


def _float(dtype: tf.DType) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    weights = tf.constant(_random(INPUTS, OUTPUTS), dtype)
    return tf.constant(_random(TOKENS, INPUTS), dtype), lambda inputs: tf.matmul(inputs, weights)


def _int8() -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    generator = np.random.default_rng(0)
    weights = tf.constant(generator.integers(-127, 128, (INPUTS, OUTPUTS), np.int8))
    codes = tf.constant(generator.integers(0, 256, (TOKENS, INPUTS), np.uint8))

    def product(inputs: tf.Tensor) -> tf.Tensor:
        return tf.raw_ops.QuantizedMatMulWithBiasAndDequantize(
            a=tf.bitcast(inputs, tf.quint8),
            b=tf.bitcast(weights, tf.qint8),
            bias=tf.zeros([OUTPUTS]),
            min_a=0.0,
            max_a=255.0,
            min_b=-127.0,
            max_b=127.0,
            min_freezed_output=0.0,  # unused where the output is float
            max_freezed_output=0.0,
            Toutput=tf.float32,
            input_quant_mode="SCALED",
        )

    return codes, product
