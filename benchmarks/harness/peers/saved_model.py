"""An exported version of ours, loaded into a session as a server loads it; its precision is in the file."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401  registers the ops of the exported graph
from tensorflow.core.protobuf import config_pb2

from harness.peers.engine import Answers, Engine, Tokens

Run = Callable[[Tokens], list[np.ndarray]]


def load(source: Path, precision: str, threads: int, share: int = 0) -> Engine:
    """Loads the signature `tokenized`; a call without `speed` is made at full depth.

    Args:
        source: the version directory.
        precision: is in the file.
        threads: threads of a call.
        share: 0 splits the rows of a call over the threads, each of which runs its part alone, as our server does; 1
            lets all threads share every operation, as a stock session does.
    """
    return _signature(source, "tokenized", threads, bool(share))


def load_texts(source: Path, threads: int, share: int = 0) -> Engine:
    """Loads the signature `with_speed`, which takes texts; arguments as for `load`."""
    call = _signature(source, "with_speed", threads, bool(share))

    def answer(inputs: Any) -> Answers:
        named = inputs if isinstance(inputs, dict) else {"text": inputs}
        return call({**named, "text": np.array([text.encode() for text in named["text"]], object)})

    return answer


def session_config(threads: int, share: bool) -> tf.compat.v1.ConfigProto:
    """Thread settings of a session, with the same meaning of the arguments."""
    if share:
        return tf.compat.v1.ConfigProto(intra_op_parallelism_threads=threads, inter_op_parallelism_threads=1)
    return tf.compat.v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=-1)


def quick_callable(session: tf.compat.v1.Session, fetches: list[str], feeds: list[str]) -> Callable[..., Any]:
    """Returns a function from fed to fetched arrays; `make_callable` takes half a millisecond more for every call."""
    return session._make_callable_from_options(config_pb2.CallableOptions(feed=feeds, fetch=fetches))


def _signature(source: Path, name: str, threads: int, share: bool) -> Engine:
    session = tf.compat.v1.Session(graph=tf.Graph(), config=session_config(threads, share))
    signature = tf.compat.v1.saved_model.loader.load(session, ["serve"], str(source)).signature_def[name]
    outputs = [output for output in ("probabilities", "exit_layer") if output in signature.outputs]
    fetches = [signature.outputs[output].name for output in outputs]
    function = quick_callable(session, fetches, [value.name for value in signature.inputs.values()])

    def run(inputs: Tokens) -> list[np.ndarray]:
        return function(*(inputs[key] for key in signature.inputs))

    split = run if share else _Split(run, threads)

    def call(inputs: Tokens) -> Answers:
        full_depth = {"speed": np.zeros(len(next(iter(inputs.values()))), np.float32)}
        return dict(zip(outputs, split({**full_depth, **inputs}), strict=True))

    return call


class _Split:
    """Gives every thread a part of a call's rows."""

    def __init__(self, run: Run, threads: int) -> None:
        self._run = run
        self._parts = threads
        self._threads = ThreadPoolExecutor(threads)

    def __call__(self, inputs: Tokens) -> list[np.ndarray]:
        rows = len(inputs["speed"])
        if rows == 1:
            return self._threads.submit(self._run, inputs).result()
        parts = [{name: values[part] for name, values in inputs.items()} for part in self._slices(rows)]
        answers = list(self._threads.map(self._run, parts))
        return [np.concatenate(column) for column in zip(*answers, strict=True)]

    def _slices(self, rows: int) -> list[slice]:
        ends = np.linspace(0, rows, min(self._parts, rows) + 1).astype(int)
        return [slice(first, last) for first, last in zip(ends[:-1], ends[1:], strict=True)]
