"""One loaded version of a model."""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401  registers the ops of the exported graph
from tensorflow.core.protobuf import config_pb2

from fastbert_serving.call import DEFAULT_SIGNATURE
from fastbert_serving.errors import InvalidRequest, ModelError, UnknownSignature, plain_words, serving_error
from fastbert_serving.manifest import MANIFEST_PATH, Manifest
from fastbert_serving.models.graph_threads import GraphThreads
from fastbert_serving.models.kernel_check import check_kernels
from fastbert_serving.signature import Signature

_STATUS_CODES = {code.value[0]: code for code in grpc.StatusCode}

Arrays = Mapping[str, np.ndarray]


class Servable:
    """A SavedModel in a session of its own, as TensorFlow Serving holds it, and the manifest beside it, if any.

    Calls may come from any number of threads.

    Args:
        directory: the version directory, named by its number.
        intra_op_threads: threads that share one operation; 0 for one a core. TensorFlow keeps one pool a process:
            the first session decides.
        inter_op_threads: operations of a call that run at the same time; 0 for one a core, -1 to run a call on the
            thread that makes it. As above.
        threads: run all calls; None runs them on the threads that make them.

    Raises:
        ModelError: the directory holds no SavedModel that this TensorFlow loads, or one that its manifest contradicts.
        ManifestError: there is a manifest, and it is broken.
    """

    def __init__(
        self,
        directory: Path,
        intra_op_threads: int = 1,
        inter_op_threads: int = -1,
        threads: GraphThreads | None = None,
    ) -> None:
        self.directory = directory
        self.version = int(directory.name)
        self._threads = threads
        self._calls: dict[str, Callable[..., Any]] = {}
        self._making = threading.Lock()
        self.manifest = Manifest.read(directory) if (directory / MANIFEST_PATH).exists() else None
        config = tf.compat.v1.ConfigProto(
            intra_op_parallelism_threads=intra_op_threads, inter_op_parallelism_threads=inter_op_threads
        )
        self._session = tf.compat.v1.Session(graph=tf.Graph(), config=config)
        try:
            self.signature_defs: dict[str, Any] = self._load()
            self.signatures = {
                name: Signature.from_proto(name, value)
                for name, value in self.signature_defs.items()
                if not name.startswith("__") and _is_dense(value)  # "__": the loader's own, such as the initialiser
            }
            self._check_manifest()
        except BaseException:
            self._session.close()
            raise
        self._session.graph.finalize()

    def signature(self, name: str = "") -> Signature:
        """Finds a signature.

        Args:
            name: its name; empty for `serving_default`.

        Raises:
            UnknownSignature: there is none of that name.
        """
        name = name or DEFAULT_SIGNATURE
        if name not in self.signatures:
            known = ", ".join(sorted(self.signatures))
            raise UnknownSignature(f'Serving signature key "{name}" not found; the model has {known}')
        return self.signatures[name]

    def check(self, signature_name: str, inputs: Arrays, output_filter: Sequence[str] = ()) -> list[str]:
        """Compares a request with the signature's rules, before anything is run.

        Args:
            signature_name: the signature; empty for `serving_default`.
            inputs: arrays by input name; strings as object arrays of `bytes`.
            output_filter: outputs to return; empty for all.

        Returns:
            The outputs to return.

        Raises:
            UnknownSignature: there is no such signature.
            InvalidRequest: inputs or output filter break its rules.
        """
        signature = self.signature(signature_name)
        signature.check_inputs(inputs)
        return signature.chosen_outputs(output_filter)

    def run(self, signature_name: str, inputs: Arrays) -> dict[str, np.ndarray]:
        """Runs a signature on inputs that `check` accepts.

        Args:
            signature_name: the signature; empty for `serving_default`.
            inputs: arrays by input name; strings as object arrays of `bytes`.

        Returns:
            Arrays of all outputs by name.

        Raises:
            InvalidRequest: the graph refuses a value.
            ServingError: the graph fails otherwise.
        """
        signature = self.signature(signature_name)
        if self._threads is None:
            return self._run(signature, inputs)
        return self._threads.run(self._run, signature, inputs)

    def predict(self, signature_name: str, inputs: Arrays, output_filter: Sequence[str] = ()) -> dict[str, np.ndarray]:
        """Checks a request and runs it; arguments and errors are those of `check` and `run`.

        Returns:
            Arrays by output name.
        """
        chosen = self.check(signature_name, inputs, output_filter)
        outputs = self.run(signature_name, inputs)
        return {alias: outputs[alias] for alias in chosen}

    def warm_up(self, signature_name: str, inputs: Arrays, output_filter: Sequence[str] = ()) -> None:
        """Runs a request on every thread that runs others; arguments and errors are those of `predict`."""
        self.check(signature_name, inputs, output_filter)
        signature = self.signature(signature_name)
        if self._threads is None:
            self._run(signature, inputs)
        else:
            self._threads.run_on_each(self._run, signature, inputs)

    def close(self) -> None:
        """Frees the session, once; calls in progress must have ended."""
        self._session.close()
        self._calls.clear()
        del self._session
        _collect()  # a graph is full of cycles; left alone, tens of megabytes a version pile up

    def _load(self) -> dict[str, Any]:
        try:
            with _quiet_deprecation():
                meta_graph = tf.compat.v1.saved_model.loader.load(self._session, ["serve"], str(self.directory))
        except (OSError, ValueError, RuntimeError, tf.errors.OpError) as error:
            raise ModelError(
                f"model {self.directory} cannot be loaded: {plain_words(str(error))}; export it again"
            ) from error
        check_kernels(meta_graph.graph_def)
        return dict(meta_graph.signature_def)

    def _check_manifest(self) -> None:
        if self.manifest is None:
            return
        outputs = self.signatures[DEFAULT_SIGNATURE].outputs if DEFAULT_SIGNATURE in self.signatures else {}
        shape = outputs["probabilities"].shape if "probabilities" in outputs else None
        if not shape or shape[-1] != len(self.manifest.labels):
            classes = f"{shape[-1]} classes" if shape else "no probabilities"
            raise ModelError(
                f"model {self.directory}: the manifest has {len(self.manifest.labels)} labels, but the graph answers "
                f"{classes}; export the model again"
            )

    def _run(self, signature: Signature, inputs: Arrays) -> dict[str, np.ndarray]:
        call = self._calls.get(signature.name) or self._made(signature.name)
        try:
            values = call(*(inputs[alias] for alias in signature.inputs))
        except tf.errors.OpError as error:
            raise _from_tensorflow(error) from error
        except UnicodeDecodeError as error:  # TensorFlow's message quotes a client's bytes, and Python cannot read it
            raise InvalidRequest(plain_words(error.object.decode("utf-8", "backslashreplace"))) from error
        return dict(zip(signature.outputs, values, strict=True))

    def _made(self, name: str) -> Callable[..., Any]:
        """Makes a signature ready when it is first asked for, in a warm-up request where there is one.

        TensorFlow optimises the graph for each anew, which takes most of the time of a load.
        """
        with self._making:
            if name not in self._calls:
                self._calls[name] = self._callable(name)
            return self._calls[name]

    def _callable(self, name: str) -> Callable[..., Any]:
        """Always fetches all outputs: an executor for each filter a client thinks of would pile up."""
        definition, signature = self.signature_defs[name], self.signatures[name]
        options = config_pb2.CallableOptions(
            feed=[definition.inputs[alias].name for alias in signature.inputs],
            fetch=[definition.outputs[alias].name for alias in signature.outputs],
        )
        # `make_callable` takes 0.5 ms more for every call with inputs: it is a `run` with a feed dictionary.
        return self._session._make_callable_from_options(options)


def _is_dense(definition: Any) -> bool:
    """Whether a `SignatureDef` holds plain tensors alone; sparse and composite ones have no single name to feed."""
    return all(info.name for side in (definition.inputs, definition.outputs) for info in side.values())


def _from_tensorflow(error: tf.errors.OpError) -> Exception:
    words = plain_words(error.message)
    if isinstance(error, tf.errors.InvalidArgumentError):
        return InvalidRequest(words)
    return serving_error(_STATUS_CODES.get(error.error_code, grpc.StatusCode.INTERNAL), words)


def _collect() -> None:
    """Frees cycles, those of frozen objects too; where objects were frozen, what is left is frozen again."""
    is_frozen = gc.get_freeze_count() > 0
    gc.unfreeze()
    gc.collect()
    if is_frozen:
        gc.freeze()


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
