"""One loaded version of a model."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401  registers the ops of the exported graph

from fastbert_serving.errors import InvalidRequest, ModelError, UnknownSignature, plain_words, serving_error
from fastbert_serving.manifest import Manifest
from fastbert_serving.signature import Signature

DEFAULT_SIGNATURE = "serving_default"
_STATUS_CODES = {code.value[0]: code for code in grpc.StatusCode}

Arrays = Mapping[str, np.ndarray]


class Servable:
    """A SavedModel in a session of its own, as TensorFlow Serving holds it, and the manifest beside it.

    Calls may come from any number of threads.

    Args:
        directory: the version directory, named by its number.

    Raises:
        ModelError: the directory holds no SavedModel that this TensorFlow loads.
        ManifestError: the manifest is missing or broken.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.version = int(directory.name)
        self.manifest = Manifest.read(directory)
        self._session = tf.compat.v1.Session(graph=tf.Graph())
        try:
            with _quiet_deprecation():
                meta_graph = tf.compat.v1.saved_model.loader.load(self._session, ["serve"], str(directory))
        except (OSError, ValueError, RuntimeError, tf.errors.OpError) as error:
            self._session.close()
            raise ModelError(
                f"model {directory} cannot be loaded: {plain_words(str(error))}; export it again"
            ) from error
        self.signature_defs: dict[str, Any] = dict(meta_graph.signature_def)
        self.signatures = {
            name: Signature.from_proto(name, value)
            for name, value in self.signature_defs.items()
            if not name.startswith("__")  # the loader's own, such as the initialiser
        }
        self._check_manifest()
        self._calls = {name: self._callable(name) for name in self.signatures}
        self._session.graph.finalize()

    def predict(self, signature_name: str, inputs: Arrays, output_filter: Sequence[str] = ()) -> dict[str, np.ndarray]:
        """Runs a signature.

        Args:
            signature_name: the signature; empty for `serving_default`.
            inputs: arrays by input name; strings as object arrays of `bytes`.
            output_filter: outputs to return; empty for all.

        Returns:
            Arrays by output name.

        Raises:
            UnknownSignature: there is no such signature.
            InvalidRequest: inputs or output filter break the signature's rules, or the graph refuses a value.
            ServingError: the graph fails otherwise.
        """
        name = signature_name or DEFAULT_SIGNATURE
        if name not in self.signatures:
            known = ", ".join(sorted(self.signatures))
            raise UnknownSignature(f'Serving signature key "{name}" not found; the model has {known}')
        signature = self.signatures[name]
        signature.check_inputs(inputs)
        chosen = signature.chosen_outputs(output_filter)
        try:
            values = self._calls[name](*(inputs[alias] for alias in signature.inputs))
        except tf.errors.OpError as error:
            raise _from_tensorflow(error) from error
        except UnicodeDecodeError as error:  # TensorFlow's message quotes a client's bytes, and Python cannot read it
            raise InvalidRequest(plain_words(error.object.decode("utf-8", "backslashreplace"))) from error
        outputs = dict(zip(signature.outputs, values, strict=True))
        return {alias: outputs[alias] for alias in chosen}

    def close(self) -> None:
        """Frees the session; calls in progress must have ended."""
        self._session.close()

    def _check_manifest(self) -> None:
        outputs = self.signatures[DEFAULT_SIGNATURE].outputs if DEFAULT_SIGNATURE in self.signatures else {}
        shape = outputs["probabilities"].shape if "probabilities" in outputs else None
        if shape is None or shape[-1] != len(self.manifest.labels):
            self._session.close()
            classes = "no probabilities" if shape is None else f"{shape[-1]} classes"
            raise ModelError(
                f"model {self.directory}: the manifest has {len(self.manifest.labels)} labels, but the graph answers "
                f"{classes}; export the model again"
            )

    def _callable(self, name: str) -> Callable[..., Any]:
        """Always fetches all outputs: an executor for each filter a client thinks of would pile up."""
        definition, signature = self.signature_defs[name], self.signatures[name]
        with self._session.graph.as_default():
            return self._session.make_callable(
                [definition.outputs[alias].name for alias in signature.outputs],
                [definition.inputs[alias].name for alias in signature.inputs],
            )


def _from_tensorflow(error: tf.errors.OpError) -> Exception:
    words = plain_words(error.message)
    if isinstance(error, tf.errors.InvalidArgumentError):
        return InvalidRequest(words)
    return serving_error(_STATUS_CODES.get(error.error_code, grpc.StatusCode.INTERNAL), words)


@contextmanager
def _quiet_deprecation() -> Iterator[None]:
    """Hides the advice to use `tf.saved_model.load`: its calls cost more, and TensorFlow Serving loads a session."""
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
