"""Which int8 product of a stock TensorFlow is the fastest, and how far it is from the machine's limit.

    python benchmarks/int8_products.py --output int8_products.json

Every way to compute a dense layer runs in turn, in one process, on the shapes of BERT-base and of a 6 x 384 encoder.
Times are medians; the limit is the best plain product that was seen at any shape.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf
from absl import app, flags

from fastbert_tf.inference.packed.dense import Dense, gelu
from fastbert_tf.inference.packed.int8_coding import codes
from fastbert_tf.inference.packed.int8_dense import Int8Dense
from fastbert_tf.inference.packed.int8_weights import LARGEST, Int8Weights

_SHAPES = flags.DEFINE_list(
    "shapes",
    ["128x768x3072", "128x3072x768", "1024x768x3072", "4096x768x3072", "25x384x1536", "800x384x1536"],
    "TOKENSxINPUTSxOUTPUTS of each product",
)
_REPEATS = flags.DEFINE_integer("repeats", 15, "timings of every product", lower_bound=1)
_OUTPUT = flags.DEFINE_string("output", None, "file for the figures as JSON")

LAYERS = 6
"""Products with weights of their own in one graph, as an encoder has them: no weight stays in the cache by chance."""

Call = Callable[[tf.Tensor], tf.Tensor]


class PerToken:
    """A product whose input gets a range a token at run time, undone on the result."""

    def __init__(self, weights: Int8Weights) -> None:
        self._product = Int8Dense(Int8Weights(weights.kernel, weights.scale, np.zeros_like(weights.bias)))
        self._sums = weights.kernel.astype(np.float32).sum(0) * weights.scale
        self._bias = weights.bias

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        low, high = tf.reduce_min(x, -1, keepdims=True), tf.reduce_max(x, -1, keepdims=True)  # (tokens, 1)
        step = (high - low) / 255.0 + 1e-12
        return self._product(tf.cast(tf.round((x - low) / step), tf.uint8)) * step + low * self._sums + self._bias


class OneScale:
    """TensorFlow's older op: one scale for the whole kernel."""

    def __init__(self, weights: Int8Weights) -> None:
        self._weights = weights

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        limit = float(LARGEST * self._weights.scale.max())
        return tf.raw_ops.QuantizedMatMulWithBiasAndDequantize(
            a=tf.bitcast(x, tf.quint8),
            b=tf.bitcast(tf.constant(self._weights.kernel), tf.qint8),
            bias=self._weights.bias,
            min_a=0.0,
            max_a=255.0,
            min_b=-limit,
            max_b=limit,
            min_freezed_output=-1.0,
            max_freezed_output=1.0,
            Toutput=tf.float32,
            input_quant_mode="SCALED",
        )


def ways(inputs: int, outputs: int, rng: np.random.Generator) -> dict[str, tuple[tf.DType, Call]]:
    """Returns the type of the input and the layer, by name, with fresh weights."""
    kernel, bias = rng.normal(size=(inputs, outputs)) * 0.02, rng.normal(size=outputs)
    weights = Int8Weights(
        kernel=rng.integers(-LARGEST, LARGEST + 1, (inputs, outputs)).astype(np.int8),
        scale=rng.uniform(1e-4, 2e-4, outputs).astype(np.float32),
        bias=bias.astype(np.float32),
    )
    return {
        "float32": (tf.float32, Dense(kernel, bias)),
        "float32, gelu": (tf.float32, Dense(kernel, bias, activation=gelu)),
        "bfloat16": (tf.bfloat16, Dense(kernel, bias, tf.bfloat16)),
        "int8, one scale": (tf.uint8, OneScale(weights)),
        "int8, a scale an output": (tf.uint8, Int8Dense(weights)),
        "int8, residual": (tf.uint8, _with_residual(Int8Dense(weights), rng, outputs)),
        "int8, gelu": (tf.uint8, Int8Dense(weights, "gelu")),
        "int8, gelu to codes": (tf.uint8, Int8Dense(weights, "gelu", (-0.2, 4.0))),
        "int8, coded at run time, fixed range": (tf.float32, lambda x: Int8Dense(weights)(codes(x))),
        "int8, coded at run time, a range a token": (tf.float32, PerToken(weights)),
    }


def _with_residual(dense: Int8Dense, rng: np.random.Generator, outputs: int) -> Call:
    residual = tf.Variable(rng.normal(size=(1, outputs)), dtype=tf.float32)
    return lambda x: dense(x, tf.repeat(residual, tf.shape(x)[0], axis=0))


def graphs(tokens: int, inputs: int, outputs: int) -> dict[str, Callable[[], None]]:
    """Returns calls that run every way `LAYERS` times on the same input."""
    rng = np.random.default_rng(0)
    layers = [ways(inputs, outputs, rng) for _ in range(LAYERS)]
    return {
        name: _graph(dtype, [layer[name][1] for layer in layers], tokens, inputs)
        for name, (dtype, _) in layers[0].items()
    }


def _graph(dtype: tf.DType, layers: list[Call], tokens: int, inputs: int) -> Callable[[], None]:
    @tf.function(autograph=False)
    def run(x: tf.Tensor) -> list[tf.Tensor]:
        results: list[tf.Tensor] = []
        for layer in layers:
            with tf.control_dependencies(results[-1:]):  # one after the other
                results.append(layer(tf.identity(x)))
        return [result[:1, :1] for result in results]  # keeps the optimizer from dropping one

    x = tf.cast(np.random.default_rng(1).integers(0, 256, (tokens, inputs)), dtype)

    def call() -> None:
        for result in run(x):
            result.numpy()

    return call


def measure(tokens: int, inputs: int, outputs: int) -> dict[str, float]:
    """Returns microseconds a product, by name; the ways take turns."""
    calls = graphs(tokens, inputs, outputs)
    for _ in range(2):
        for call in calls.values():
            call()
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(_REPEATS.value):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - start)
    return {name: 1e6 * float(np.median(values)) / LAYERS for name, values in times.items()}


def _shape(text: str) -> tuple[int, int, int]:
    tokens, inputs, outputs = (int(size) for size in text.split("x"))
    return tokens, inputs, outputs


def main(_: list[str]) -> None:
    figures = {shape: measure(*shape) for shape in map(_shape, _SHAPES.value)}
    speeds = {
        shape: {name: 2e-3 * np.prod(shape) / us for name, us in times.items()} for shape, times in figures.items()
    }
    limit = max(found["int8, a scale an output"] for found in speeds.values())
    for shape, times in figures.items():
        print(f"{shape[0]} tokens, {shape[1]} to {shape[2]}")
        for name, us in times.items():
            speed = speeds[shape][name]
            print(f"  {name:42s} {us:8.0f} us {speed:6.0f} GOP/s {speed / limit:5.0%} of the limit")
    if _OUTPUT.value:
        rows = [
            {"tokens": m, "inputs": k, "outputs": n, "way": name, "microseconds": us, "gops": speeds[m, k, n][name]}
            for (m, k, n), times in figures.items()
            for name, us in times.items()
        ]
        document = {"processors": os.cpu_count(), "tensorflow": tf.__version__, "limit_gops": limit, "rows": rows}
        Path(_OUTPUT.value).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    app.run(main)
