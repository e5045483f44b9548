"""An exported version of ours, loaded into a session as a server loads it; its precision is in the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401  registers the ops of the exported graph

from harness.peers.engine import Answers, Engine, Tokens


def load(source: Path, precision: str, threads: int, **session: int) -> Engine:
    """Loads the signature `tokenized`; a call without `speed` is made at full depth."""
    return _signature(source, "tokenized", session_config(threads, **session))


def load_texts(source: Path, threads: int, **session: int) -> Engine:
    """Loads the signature `with_speed`, which takes texts; a call without `speed` is made at full depth."""
    call = _signature(source, "with_speed", session_config(threads, **session))

    def answer(inputs: Any) -> Answers:
        named = inputs if isinstance(inputs, dict) else {"text": inputs}
        return call({**named, "text": np.array([text.encode() for text in named["text"]], object)})

    return answer


def session_config(threads: int, inter_op_threads: int = 1) -> tf.compat.v1.ConfigProto:
    """Thread settings of our engines.

    Args:
        threads: threads of an operation.
        inter_op_threads: operations at a time; -1 runs them all in the thread that calls.
    """
    return tf.compat.v1.ConfigProto(intra_op_parallelism_threads=threads, inter_op_parallelism_threads=inter_op_threads)


def _signature(source: Path, name: str, config: tf.compat.v1.ConfigProto) -> Engine:
    session = tf.compat.v1.Session(graph=tf.Graph(), config=config)
    signature = tf.compat.v1.saved_model.loader.load(session, ["serve"], str(source)).signature_def[name]
    outputs = [output for output in ("probabilities", "exit_layer") if output in signature.outputs]
    with session.graph.as_default():
        fetches = [signature.outputs[output].name for output in outputs]
        function = session.make_callable(fetches, [value.name for value in signature.inputs.values()])

    def call(inputs: Tokens) -> Answers:
        full_depth = {"speed": np.zeros(len(next(iter(inputs.values()))), np.float32)}
        values = function(*({**full_depth, **inputs}[key] for key in signature.inputs))
        return dict(zip(outputs, values, strict=True))

    return call
