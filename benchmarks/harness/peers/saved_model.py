"""An exported version of ours, loaded into a session as a server loads it; its precision is in the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401  registers the ops of the exported graph
from tensorflow.core.protobuf import config_pb2

from harness.peers.engine import Answers, Engine, Tokens


def load(source: Path, precision: str, threads: int) -> Engine:
    """Loads the signature `tokenized`; a call without `speed` is made at full depth."""
    return _signature(source, "tokenized", threads)


def load_texts(source: Path, threads: int) -> Engine:
    """Loads the signature `with_speed`, which takes texts; a call without `speed` is made at full depth."""
    call = _signature(source, "with_speed", threads)

    def answer(inputs: Any) -> Answers:
        named = inputs if isinstance(inputs, dict) else {"text": inputs}
        return call({**named, "text": np.array([text.encode() for text in named["text"]], object)})

    return answer


def session_config(threads: int) -> tf.compat.v1.ConfigProto:
    """Returns settings with so many threads an operation; one runs the whole call on the thread that makes it."""
    between = -1 if threads == 1 else 1
    return tf.compat.v1.ConfigProto(intra_op_parallelism_threads=threads, inter_op_parallelism_threads=between)


def quick_callable(session: tf.compat.v1.Session, fetches: list[str], feeds: list[str]) -> Callable[..., Any]:
    """Returns a function from fed to fetched arrays; `make_callable` takes half a millisecond more for every call."""
    return session._make_callable_from_options(config_pb2.CallableOptions(feed=feeds, fetch=fetches))


def _signature(source: Path, name: str, threads: int) -> Engine:
    session = tf.compat.v1.Session(graph=tf.Graph(), config=session_config(threads))
    signature = tf.compat.v1.saved_model.loader.load(session, ["serve"], str(source)).signature_def[name]
    outputs = [output for output in ("probabilities", "exit_layer") if output in signature.outputs]
    fetches = [signature.outputs[output].name for output in outputs]
    function = quick_callable(session, fetches, [value.name for value in signature.inputs.values()])

    def call(inputs: Tokens) -> Answers:
        full_depth = {"speed": np.zeros(len(next(iter(inputs.values()))), np.float32)}
        values = function(*({**full_depth, **inputs}[key] for key in signature.inputs))
        return dict(zip(outputs, values, strict=True))

    return call
