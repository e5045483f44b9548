"""The two ways to load a SavedModel, each loaded once a test process."""

import functools

import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401  registers ops


def session_call(directory, signature, inputs):
    """Runs a signature the way TensorFlow Serving does: the session loader, then a run by tensor names."""
    session, definitions = _session(str(directory))
    definition = definitions[signature]
    feeds = {definition.inputs[name].name: value for name, value in inputs.items()}
    return session.run({name: info.name for name, info in definition.outputs.items()}, feeds)


def object_call(directory, signature, inputs):
    """Runs a signature through `tf.saved_model.load`."""
    function = _object(str(directory)).signatures[signature]
    outputs = function(**{name: tf.constant(value) for name, value in inputs.items()})
    return {name: value.numpy() for name, value in outputs.items()}


def strings(texts):
    """Texts as an array that both loaders take."""
    return np.array([text.encode() for text in texts], object)


@functools.cache
def _session(directory):
    session = tf.compat.v1.Session(graph=tf.Graph())
    meta_graph = tf.compat.v1.saved_model.loader.load(session, ["serve"], directory)
    return session, meta_graph.signature_def


@functools.cache
def _object(directory):
    return tf.saved_model.load(directory)
