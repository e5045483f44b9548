"""An exported version of ours, loaded into a session as a server loads it; its precision is in the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401  registers the ops of the exported graph

from harness.peers.engine import Answers, Engine, Tokens
from harness.sessions import quick_callable, session_config


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
