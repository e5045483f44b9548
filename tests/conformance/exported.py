"""Runs a function eagerly, as a graph, and from a SavedModel through both loaders."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf


def in_all_modes(
    function: Callable[[dict[str, tf.Tensor]], dict[str, Any]], inputs: dict[str, np.ndarray], variables: list[Any]
) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """Yields (mode, outputs), eager first.

    Args:
        function: from a dict of tensors to a dict of tensors.
        inputs: sample inputs; every axis becomes a free one in the exported signature.
        variables: the Keras variables that the function reads. They are tracked, not their owner: a tracked Keras
            object breaks the session loader.
    """
    yield "eager", _to_numpy(function({name: tf.constant(value) for name, value in inputs.items()}))
    specs = {name: tf.TensorSpec([None] * value.ndim, tf.as_dtype(value.dtype), name) for name, value in inputs.items()}
    for name, value in inputs.items():
        if value.dtype == np.float32 and value.ndim > 1:  # hidden states: a width, not a free axis
            specs[name] = tf.TensorSpec([*[None] * (value.ndim - 1), value.shape[-1]], tf.float32, name)
    module = tf.Module()
    module.tracked = [variable.value for variable in variables]
    module.serve = tf.function(lambda **tensors: function({name: tensors[name] for name in inputs}))  # in order
    signature = module.serve.get_concrete_function(**specs)
    tensors = {name: tf.constant(value) for name, value in inputs.items()}
    yield "graph", _to_numpy(signature(**tensors))
    with tempfile.TemporaryDirectory() as directory:
        tf.saved_model.save(module, directory, signatures=signature)
        yield "saved_model", _to_numpy(tf.saved_model.load(directory).signatures["serving_default"](**tensors))
        yield "session", _in_session(directory, inputs)


def _in_session(directory: str, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """As TensorFlow Serving loads it."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        graph = tf.compat.v1.saved_model.load(session, ["serve"], directory)
        signature = graph.signature_def["serving_default"]
        fetches = {name: info.name for name, info in signature.outputs.items()}
        return session.run(fetches, {signature.inputs[name].name: value for name, value in inputs.items()})


def _to_numpy(outputs: dict[str, Any]) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in outputs.items()}
