"""Where a model's weights, arithmetic and time are, part by part and layer by layer.

The breakdown of figure 2 of "Compressing Large-Scale Transformer-Based Models: A Case Study on BERT" (Ganesh et al.,
2021). Time is taken by TensorFlow's profiler from the graph that is served, so fusions, caches and operations that run
side by side count as they are. The clock is the check: on whole calls without the profiler, and on each of the
stack's own calls alone.
"""

from __future__ import annotations

import functools
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from fastbert_tf.config import BackboneConfig
from fastbert_tf.evaluation.branch_outputs import FEATURES
from fastbert_tf.evaluation.machine import machine, threads
from fastbert_tf.evaluation.profile_parts import Place, ProfiledStack, ScopedStack, paper_flops_by_part
from fastbert_tf.evaluation.profile_record import PartCost, Profile, StepTime
from fastbert_tf.evaluation.profile_trace import Trace, shared_seconds, trace
from fastbert_tf.evaluation.profile_weights import count_weights
from fastbert_tf.inference import ExitLoop, NormalizedEntropy, Stack

_WARM_UP = 2  # calls that do not count
_SEED = 0  # of the tokens

Features = dict[str, tf.Tensor]


class _Step(NamedTuple):
    """One of the stack's calls, in a graph of its own."""

    name: str
    layer: int | None
    call: Callable[[], Any]


def profile_stack(profiled: ProfiledStack, batch_size: int = 1, length: int = 128, repeats: int = 20) -> Profile:
    """Profiles a stack in the exit loop, where every branch is asked and no row leaves: it pays for all layers.

    Every repeat times each call once by the clock and one whole call by the profiler, so a busy moment of the machine
    hits all alike; each time is the median of its repeats. Run it on an otherwise idle machine.

    Args:
        profiled: the stack.
        batch_size: rows a call, at least 1.
        length: tokens a row, all of them real, 1 to the model's positions.
        repeats: timings of every call, at least 1.

    Returns:
        The cost of every part of every layer.

    Raises:
        ValueError: an argument is out of range; the message names it.
        tf.errors.AlreadyExistsError: another profile is being taken in this process.
    """
    _check(profiled.config.backbone, batch_size, length, repeats)
    inputs = _real_tokens(profiled.config.backbone, batch_size, length)
    whole, steps = _whole_call(profiled.stack, inputs), _steps(profiled.stack, inputs)
    clocked, traces = _measure(whole, [step.call for step in steps], repeats)
    by_place = [_seconds_by_place(profiled, taken) for taken in traces]
    idle = [taken.seconds - sum(seconds.values()) for taken, seconds in zip(traces, by_place, strict=True)]

    def milliseconds(seconds: Sequence[float] | np.ndarray) -> float:
        return 1000 * float(np.median(seconds)) / batch_size

    times = {place: milliseconds([seconds[place] for seconds in by_place]) for place in profiled.places}
    return Profile(
        config=profiled.config,
        batch_size=batch_size,
        length=length,
        parts=_costs(profiled, length, times),
        idle_ms=milliseconds(idle),
        whole_ms=milliseconds(clocked[:, 0]),
        steps=tuple(
            StepTime(step.name, step.layer, milliseconds(clocked[:, 1 + number])) for number, step in enumerate(steps)
        ),
        repeats=repeats,
        machine=machine(),
        **threads(),
    )


def _check(shape: BackboneConfig, batch_size: int, length: int, repeats: int) -> None:
    if batch_size < 1:
        raise ValueError(f"batch must be at least 1 row, but is {batch_size}")
    if not 1 <= length <= shape.max_sequence_length:
        raise ValueError(f"length must be 1 to the model's {shape.max_sequence_length} positions, but is {length}")
    if repeats < 1:
        raise ValueError(f"repeats must be at least 1, but is {repeats}; 20 gives steady medians")


def _real_tokens(shape: BackboneConfig, batch_size: int, length: int) -> Features:
    tokens = np.random.default_rng(_SEED).integers(0, shape.vocabulary_size, (batch_size, length))
    values = {"token_ids": tokens, "segment_ids": np.zeros_like(tokens), "padding_mask": np.ones_like(tokens)}
    return {name: tf.constant(values[name], tf.int32) for name in FEATURES}


class _NeverLeaves(NormalizedEntropy):
    """Asks every branch at full price and lets no row go: no speed is above 1."""

    def doubt(self, said: Sequence[Any], layer: int) -> Any:
        return 1 + super().doubt(said, layer)


def _whole_call(stack: Stack, inputs: Features) -> Callable[[], Any]:
    """Traces the graph as it is served, for all batch shapes."""
    features = {name: tf.TensorSpec([None, None], tf.int32) for name in inputs}
    speed = tf.TensorSpec([None], tf.float32)
    loop = ExitLoop(ScopedStack(stack), _NeverLeaves())
    graph = tf.function(loop.__call__, input_signature=[features, speed], autograph=False)
    return functools.partial(graph, inputs, tf.ones([len(inputs["token_ids"])]))


def _steps(stack: Stack, inputs: Features) -> list[_Step]:
    """Builds each of the stack's calls as a graph of its own, on the state that the calls before it lead to."""

    def call(function: Callable, *arguments: Any) -> Callable[[], Any]:
        return functools.partial(tf.function(function, autograph=False), *arguments)

    steps = [_Step("start", None, call(stack.start, inputs))]
    state = steps[0].call()
    for index in range(stack.num_layers):
        steps.append(_Step("layer", index + 1, call(functools.partial(stack.layer, index), state)))
        state = steps[-1].call()
        steps.append(_Step("classify", index + 1, call(functools.partial(stack.classify, index), state)))
    return steps


def _measure(
    whole: Callable[[], Any], steps: Sequence[Callable[[], Any]], repeats: int
) -> tuple[np.ndarray, list[Trace]]:
    """Returns seconds by the clock (repeats, 1 + steps), the whole call first, and as many traces of the whole call."""
    calls = [whole, *steps]
    for call in calls * _WARM_UP:
        call()
    trace(whole)
    clocked, traces = [], []
    for _ in range(repeats):
        clocked.append([_seconds(call) for call in calls])
        traces.append(trace(whole))
    return np.asarray(clocked), traces


def _seconds(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _seconds_by_place(profiled: ProfiledStack, taken: Trace) -> dict[Place, float]:
    found: dict[Place, float] = defaultdict(float)
    for name, seconds in shared_seconds(taken.operations).items():
        found[profiled.locate(name)] += seconds
    return found


def _costs(profiled: ProfiledStack, length: int, times: dict[Place, float]) -> tuple[PartCost, ...]:
    elements, stored = count_weights(profiled)
    paper, executed = paper_flops_by_part(profiled.config, length), profiled.executed(profiled.config, length)
    return tuple(
        PartCost(
            place.part,
            place.layer,
            elements[place],
            stored[place],
            int(paper.get(place.part, 0)),
            int(executed.get(place.part, 0)),
            times[place],
        )
        for place in profiled.places
    )
