"""Wall-clock time of the real graphs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from fastbert_tf.evaluation.branch_outputs import FEATURES
from fastbert_tf.evaluation.machine import machine
from fastbert_tf.evaluation.record import Record
from fastbert_tf.evaluation.speed_curve import check_speeds
from fastbert_tf.inference import ExitLoop, ExitPolicy, FullDepth, Stack

LATENCY_SPEEDS = (0.0, 0.1, 0.5, 0.8)
"""No early exit, which asks no branch but the teacher, and the speeds of the paper's table 2."""

Features = dict[str, tf.Tensor]


@dataclass(frozen=True)
class Latency(Record):
    """Time a row in the adaptive graph beside the full-depth graph, on the same batches."""

    batch_size: int
    """Rows of the largest batch."""
    speed: float
    """Exit threshold in [0, 1]."""
    full_depth_ms: float
    """Milliseconds a row: all layers, the teacher alone."""
    adaptive_ms: float
    """Milliseconds a row: the exit loop."""
    speedup: float
    """`full_depth_ms` over `adaptive_ms`."""
    mean_exit_layer: float
    """Layers computed for a row, on these batches."""
    rows: int
    """Rows timed."""
    repeats: int
    """Timings of every batch; each batch counts with its median."""
    machine: str
    """Processors, accelerators and TensorFlow version."""


def measure_latency(
    stack: Stack,
    policy: ExitPolicy,
    batches: Iterable[Any],
    speeds: Iterable[float] = LATENCY_SPEEDS,
    repeats: int = 5,
) -> tuple[Latency, ...]:
    """Times the exit loop and the full depth on real batches, tokenisation left out.

    All graphs see every batch once to warm up; they then take turns on each batch, and the order rotates, so a busy
    moment of the machine hits all of them alike. A batch counts with the median of its repeats; times are summed
    over the batches and divided by their rows.

    Args:
        stack: the model, in the arithmetic that is timed; both graphs run it.
        policy: the exit rule.
        batches: tokenised batches of one size, as `predict_branches` takes them; labels are ignored. The last may be
            smaller. All of them are held in memory.
        speeds: thresholds in [0, 1].
        repeats: timings of every batch, at least 1.

    Returns:
        One result a speed, speeds rising.

    Raises:
        ValueError: there is no batch, repeats is below 1, or a speed is outside [0, 1] or NaN.
    """
    speeds = check_speeds(speeds)
    if repeats < 1:
        raise ValueError(f"repeats must be at least 1, but is {repeats}; 5 gives steady medians")
    prepared = [_features(batch) for batch in batches]
    if not prepared:
        raise ValueError("there is no batch to time; pass at least one tokenised batch")
    sizes = [int(features["token_ids"].shape[0]) for features in prepared]
    full_depth, adaptive = _graphs(stack, policy)
    calls = [full_depth, *(_at_speed(adaptive, speed) for speed in speeds)]
    full_ms, *adaptive_ms = 1000 * _seconds(calls, prepared, repeats) / sum(sizes)
    return tuple(
        Latency(
            batch_size=max(sizes),
            speed=speed,
            full_depth_ms=float(full_ms),
            adaptive_ms=float(milliseconds),
            speedup=float(full_ms / milliseconds),
            mean_exit_layer=_mean_exit_layer(call, prepared),
            rows=sum(sizes),
            repeats=repeats,
            machine=machine(),
        )
        for speed, call, milliseconds in zip(speeds, calls[1:], adaptive_ms, strict=True)
    )


def _features(batch: Any) -> Features:
    features = batch[0] if isinstance(batch, tuple) else batch
    return {name: tf.cast(features[name], tf.int32) for name in FEATURES}


def _graphs(stack: Stack, policy: ExitPolicy) -> tuple[Callable, Callable]:
    """Traces the two graphs once, for all batch shapes."""
    features = {name: tf.TensorSpec([None, None], tf.int32) for name in FEATURES}
    speed = tf.TensorSpec([None], tf.float32)
    full_depth = tf.function(FullDepth(stack).__call__, input_signature=[features], autograph=False)
    adaptive = tf.function(ExitLoop(stack, policy).__call__, input_signature=[features, speed], autograph=False)
    return full_depth, adaptive


def _at_speed(adaptive: Callable, speed: float) -> Callable[[Features], dict[str, tf.Tensor]]:
    return lambda features: adaptive(features, tf.fill(tf.shape(features["token_ids"])[:1], tf.constant(speed)))


def _seconds(calls: Sequence[Callable], batches: Sequence[Features], repeats: int) -> np.ndarray:
    """Returns each call's time over all batches (calls,)."""
    for features in batches:  # warm-up
        for call in calls:
            call(features)
    timings = np.zeros((repeats, len(batches), len(calls)))
    for repeat in range(repeats):
        for number, features in enumerate(batches):
            for turn in range(len(calls)):
                chosen = (turn + repeat + number) % len(calls)
                timings[repeat, number, chosen] = _time(calls[chosen], features)
    return np.median(timings, axis=0).sum(axis=0)


def _time(call: Callable, features: Features) -> float:
    start = time.perf_counter()
    tf.nest.map_structure(lambda tensor: tensor.numpy(), call(features))  # waits for accelerators, too
    return time.perf_counter() - start


def _mean_exit_layer(call: Callable, batches: Sequence[Features]) -> float:
    return float(np.concatenate([call(features)["exit_layer"].numpy() for features in batches]).mean())
