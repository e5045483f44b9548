"""What the pieces of adaptive inference cost on this machine: a layer, a branch, a loop step, shrinking the batch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from fastbert_tf.evaluation.record import Record
from fastbert_tf.inference import ExitLoop, ExitPolicy, FullDepth, NormalizedEntropy, Stack

PIECES = ("start", "layer", "branch", "step", "shrink")
LEAST_REPEATS, MOST_REPEATS = 3, 25
_MOST_BRANCHES = 4  # they are alike: some of them tell what all cost
_STAY, _LEAVE = 1e-9, 0.5  # speeds at which branches are asked and no row, and every other row, of `_Idle` leaves
_SEED = 0

Features = dict[str, tf.Tensor]


@dataclass(frozen=True)
class ExitCosts(Record):
    """Milliseconds of each piece for batches that were cut with `batch_size` rows, by the rows still in them."""

    batch_size: int
    """Rows of a batch before any left."""
    rows: tuple[int, ...]
    """Rows in the batch, rising to `batch_size`; the other fields have a value for each."""
    start: tuple[float, ...]
    """Embedding, and whatever else the stack does once."""
    layer: tuple[float, ...]
    """One layer; all are alike."""
    branch: tuple[float, ...]
    """One branch."""
    step: tuple[float, ...]
    """What the loop adds to a step: conditions, the policy, and what a layer takes longer inside it."""
    shrink: tuple[float, ...]
    """What a step costs beyond that when rows leave: answers are written, the batch shrinks."""
    uncertainty: float = 0.0
    """How far a predicted share of the plain encoder's time may be off: by so much the two halves of the timings
    differ in what asking all branches costs a full batch."""

    def __post_init__(self) -> None:
        for name in ("rows", *PIECES):
            object.__setattr__(self, name, tuple(getattr(self, name)))

    def of(self, piece: str, rows: np.ndarray) -> np.ndarray:
        """Returns a piece's milliseconds for numbers of rows, straight between the measured ones; 0 for no rows."""
        return np.where(rows > 0, np.interp(rows, self.rows, getattr(self, piece)), 0.0)


def measure_exit_costs(
    stack: Stack,
    lengths: np.ndarray,
    batch_sizes: Sequence[int] = (1, 32),
    policy: ExitPolicy | None = None,
    seconds: float = 2.0,
) -> tuple[ExitCosts, ...]:
    """Times the pieces on batches of the given lengths, padded as requests are.

    Every piece is a difference of graphs: the stack's start alone, the start followed by a few branches, the plain
    encoder, the exit loop that no row leaves, and the loop over layers that do nothing, where rows leave or not. So
    predictions for the plain encoder and for the loop that no row leaves are measured times, with all that runs slower
    inside a loop. All graphs take turns on each batch, in an order that rotates; a batch counts with the median of its
    timings.

    Args:
        stack: the model.
        lengths: real tokens of held-out rows, int (rows,), at least 1 each.
        batch_sizes: rows of the requests or server batches to measure for.
        policy: the exit rule that is part of a step; None for the normalised entropy.
        seconds: time for each batch size; every timing is repeated 3 to 25 times, as often as that allows.

    Returns:
        The costs, one a batch size.

    Raises:
        ValueError: there is no length, or one is below 1.
    """
    lengths = np.sort(np.asarray(lengths, np.int64))
    if not len(lengths) or lengths[0] < 1:
        raise ValueError("lengths must be at least 1 token a row, and there must be a row; give held-out rows")
    return tuple(
        _measure(_Graphs(stack, policy or NormalizedEntropy()), lengths, size, seconds) for size in batch_sizes
    )


def _measure(graphs: _Graphs, lengths: np.ndarray, batch_size: int, seconds: float) -> ExitCosts:
    rows = sorted({max(batch_size * part // 8, 1) for part in (0, 1, 2, 4, 8)})
    batches = list(_batches(lengths, batch_size))
    cases = [(_first(batch, count), call) for batch in batches for count in rows for call in graphs.calls(count)]
    timings = 1000 * _timings(cases, seconds)
    timings = timings.reshape(len(timings), len(batches), len(rows), -1)  # (repeats, batches, rows, calls)
    pieces = _pieces(graphs, timings)
    uncertainty = abs(_branches_share(graphs, timings[::2]) - _branches_share(graphs, timings[1::2]))
    positive = {name: tuple(np.maximum(values, 0).round(6).tolist()) for name, values in pieces.items()}
    return ExitCosts(batch_size, tuple(rows), **positive, uncertainty=round(float(uncertainty), 6))


def _pieces(graphs: _Graphs, timings: np.ndarray) -> dict[str, np.ndarray]:
    """Returns the pieces, each (rows,), from timings (repeats, batches, rows, calls)."""
    start, branches, plain, loop, stay, leave = np.median(timings, axis=0).mean(0).T
    branch = (branches - start) / graphs.branches
    return {
        "start": start,
        "layer": (plain - start - branch) / graphs.layers,
        "branch": branch,
        "step": (loop - plain - (graphs.layers - 1) * branch) / graphs.layers,
        "shrink": leave - stay,
    }


def _branches_share(graphs: _Graphs, timings: np.ndarray) -> float:
    """Returns what asking all branches adds to a full batch where no row leaves, over the plain encoder's time."""
    full = {name: values[-1] for name, values in _pieces(graphs, timings).items()}
    plain = full["start"] + graphs.layers * full["layer"] + full["branch"]
    return ((graphs.layers - 1) * full["branch"] + graphs.layers * full["step"]) / plain


def _batches(lengths: np.ndarray, batch_size: int) -> Iterator[Features]:
    """Yields batches over the whole range of lengths: 8 of single rows, fewer of larger batches, at least 2."""
    count = max(8 // batch_size, 2)
    places = (np.arange(count * batch_size) + 0.5) / (count * batch_size) * len(lengths)
    chosen = np.random.default_rng(_SEED).permutation(lengths[places.astype(int)])
    for real in chosen.reshape(count, batch_size):
        mask = (np.arange(real.max()) < real[:, None]).astype(np.int32)  # (rows, sequence)
        yield {"token_ids": tf.constant(mask), "segment_ids": tf.zeros_like(mask), "padding_mask": tf.constant(mask)}


def _first(batch: Features, rows: int) -> Features:
    """The first rows, padded as the whole batch is."""
    return {name: value[:rows] for name, value in batch.items()}


def _timings(cases: Sequence[tuple[Features, Callable]], seconds: float) -> np.ndarray:
    """Returns the times of each case in seconds (repeats, cases)."""
    for features, call in cases:  # warm-up
        call(features)
    timings: list[np.ndarray] = []
    end = time.perf_counter() + seconds
    while len(timings) < LEAST_REPEATS or (len(timings) < MOST_REPEATS and time.perf_counter() < end):
        taken = np.zeros(len(cases))
        for turn in np.roll(np.arange(len(cases)), -len(timings)).tolist():
            features, call = cases[turn]
            begin = time.perf_counter()
            call(features).numpy()  # waits for accelerators, too
            taken[turn] = time.perf_counter() - begin
        timings.append(taken)
    return np.array(timings)


class _Graphs:
    """The graphs whose differences are the pieces."""

    def __init__(self, stack: Stack, policy: ExitPolicy) -> None:
        self.layers = stack.num_layers
        self.branches = min(stack.num_layers, _MOST_BRANCHES)
        plain = FullDepth(stack)
        loops = ExitLoop(stack, _NobodyLeaves(policy)), ExitLoop(_Idle(stack), _Remembering(policy.memory))

        def started(features: Features) -> tf.Tensor:
            return _some_number(stack.start(features))

        def asked(features: Features) -> tf.Tensor:
            state = stack.start(features)
            answers = [stack.classify(index, state) for index in range(self.branches)]
            return tf.add_n([tf.reduce_sum(answer) for answer in answers]) + _some_number(state)

        def to_the_end(features: Features) -> tf.Tensor:
            return tf.reduce_sum(plain(features))

        def looped(loop: ExitLoop, features: Features, speed: tf.Tensor) -> tf.Tensor:
            return tf.reduce_sum(loop(features, speed)["uncertainty"])

        features = {
            name: tf.TensorSpec([None, None], tf.int32) for name in ("token_ids", "segment_ids", "padding_mask")
        }
        graph = partial(tf.function, autograph=False)
        self._plain = [graph(function, input_signature=[features]) for function in (started, asked, to_the_end)]
        signature = [features, tf.TensorSpec([None], tf.float32)]
        self._real, self._idle = (graph(partial(looped, loop), input_signature=signature) for loop in loops)

    def calls(self, rows: int) -> list[Callable[[Features], tf.Tensor]]:
        """Returns start, branches, plain encoder, loop where all stay; idle loop where all stay, where half leave."""
        stay, leave = (tf.fill([rows], speed) for speed in (_STAY, _LEAVE))
        loops = (
            partial(call, speed=speed) for call, speed in ((self._real, stay), (self._idle, stay), (self._idle, leave))
        )
        return [*self._plain, *loops]


class _NobodyLeaves(ExitPolicy):
    """The exit rule at its cost, without effect: how sure a model is of made-up tokens shall not matter."""

    def __init__(self, policy: ExitPolicy) -> None:
        self._policy = policy

    @property
    def memory(self) -> int:
        return self._policy.memory

    def doubt(self, said: Sequence[Any], layer: int) -> Any:
        return 1 + self._policy.doubt(said, layer)  # no speed is above 1


class _Remembering(NormalizedEntropy):
    """What another rule remembers leaves and shrinks with its rows; who leaves is ours to say."""

    def __init__(self, memory: int) -> None:
        self._memory = memory

    @property
    def memory(self) -> int:
        return self._memory


class _Idle:
    """A stack whose layers and branches do nothing: what is left is the loop."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.num_layers = stack.num_layers
        self.num_classes = 2

    def start(self, inputs: Features) -> Any:
        even = tf.range(tf.shape(inputs["token_ids"])[0]) % 2 == 0
        certain, vague = tf.constant([0.999, 0.001]), tf.constant([0.5, 0.5])
        return {"real": self._stack.start(inputs), "says": tf.where(even[:, None], certain, vague)}  # (rows, 2)

    def layer(self, index: int, state: Any) -> Any:
        return state

    def classify(self, index: int, state: Any) -> tf.Tensor:
        return state["says"]

    def keep(self, state: Any, rows: tf.Tensor) -> Any:
        return {"real": self._stack.keep(state["real"], rows), "says": tf.gather(state["says"], rows)}


def _some_number(state: Any) -> tf.Tensor:
    """Depends on all of the state, so that none of it is pruned."""
    return tf.add_n([tf.reduce_sum(tf.cast(part, tf.float32)) for part in tf.nest.flatten(state)])
