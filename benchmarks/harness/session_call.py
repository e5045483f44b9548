"""An exported version in a session, called as directly as Python can."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401  registers the ops of the exported graph

from harness.sessions import quick_callable, session_config

OUTPUTS = ("label", "label_id", "probabilities", "exit_layer", "uncertainty")


def newest_version(export: Path) -> Path:
    """Returns the directory of an export's newest version."""
    return max((path for path in export.iterdir() if path.name.isdecimal()), key=lambda path: int(path.name))


def session_call(directory: Path) -> Callable[[bytes, float], dict[str, np.ndarray]]:
    """Loads a version into a session; returns a function from one text and its speed to outputs by name."""
    session = tf.compat.v1.Session(graph=tf.Graph(), config=session_config(threads=1))
    meta_graph = tf.compat.v1.saved_model.loader.load(session, ["serve"], str(directory))
    signature = meta_graph.signature_def["with_speed"]
    fetches = [signature.outputs[alias].name for alias in OUTPUTS]
    function = quick_callable(session, fetches, [signature.inputs[alias].name for alias in ("text", "speed")])

    def call(text: bytes, speed: float) -> dict[str, np.ndarray]:
        values = function(np.array([text], object), np.array([speed], np.float32))
        return dict(zip(OUTPUTS, values, strict=True))

    return call
