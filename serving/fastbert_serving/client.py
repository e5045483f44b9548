"""A client of this server and of a stock TensorFlow Serving."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import grpc
import numpy as np
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from fastbert_serving.answer import Answer
from fastbert_serving.call import DEFAULT_SIGNATURE, SPEED_SIGNATURE, SPEEDUP_SIGNATURE
from fastbert_serving.doors.rpc import DEFAULT_MAX_MESSAGE_BYTES, message_options
from fastbert_serving.errors import ServerUnavailable, plain_words, serving_error
from fastbert_serving.signature import Signature
from fastbert_serving.tensor_codec import to_array, to_proto

OUTPUTS = ("label", "label_id", "probabilities", "exit_layer", "uncertainty")

Texts = Sequence[str | bytes]


class Client:
    """Asks a server for answers; may be shared by threads.

    Args:
        address: the server's gRPC address, `host:port`.
        model: the model's name on the server.
        timeout: seconds until a call without its own timeout is given up.
        max_message_bytes: largest request or response.
        credentials: TLS, such as `grpc.ssl_channel_credentials(...)`; None for none.
        token: bearer token that the server asks for; None for none. Without TLS it can be read on the way.

    Raises:
        ValueError: `address` is not `host:port`, or `timeout` is not positive.
    """

    def __init__(
        self,
        address: str,
        model: str = "fastbert",
        timeout: float = 30.0,
        max_message_bytes: int = DEFAULT_MAX_MESSAGE_BYTES,
        credentials: grpc.ChannelCredentials | None = None,
        token: str | None = None,
    ) -> None:
        host, _, port = address.rpartition(":")
        if not host or not port.isdecimal():
            raise ValueError(f"address must be host:port, such as 127.0.0.1:8500, but is {address!r}")
        if not timeout > 0:
            raise ValueError(f"timeout must be a positive number of seconds, but is {timeout}")
        self.address = address
        self.model = model
        self.timeout = timeout
        options = message_options(max_message_bytes)
        self._channel = (
            grpc.insecure_channel(address, options)
            if credentials is None
            else grpc.secure_channel(address, credentials, options)
        )
        self._metadata = None if token is None else (("authorization", f"Bearer {token}"),)
        self._prediction = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)
        self._model_service = model_service_pb2_grpc.ModelServiceStub(self._channel)

    def predict(
        self,
        texts: Texts,
        text_pairs: Texts | None = None,
        speed: float | Sequence[float] | None = None,
        timeout: float | None = None,
        *,
        speedup: float | Sequence[float] | None = None,
    ) -> list[Answer]:
        """Classifies texts.

        Args:
            texts: one text a row; `bytes` are sent as they are.
            text_pairs: the second text of each row, for a pair task.
            speed: in [0, 1], one for all rows or one a row: higher answers earlier; None for the model's default.
            timeout: seconds until the call is given up; None for the client's own.
            speedup: instead of a speed, at least 1, one for all rows or one a row: how many times less work than the
                full depth, on average. More than the model reaches gets what it reaches.

        Returns:
            One answer a row.

        Raises:
            ValueError: an argument breaks its rule; `InvalidRequest`, where the server says so.
            ServingError: the server does not answer with a result; its subclasses say why.
        """
        inputs = {"text": _strings("texts", texts)}
        if text_pairs is not None:
            inputs["text_pair"] = _strings("text_pairs", text_pairs)
        if speed is not None and speedup is not None:
            raise ValueError("name a speed or a speedup, not both")
        signature = DEFAULT_SIGNATURE
        for name, value, takes in (("speed", speed, SPEED_SIGNATURE), ("speedup", speedup, SPEEDUP_SIGNATURE)):
            if value is not None:
                inputs[name], signature = _one_a_row(value, len(texts)), takes
        request = predict_pb2.PredictRequest(output_filter=OUTPUTS)
        request.model_spec.name = self.model
        request.model_spec.signature_name = signature
        for alias, array in inputs.items():
            request.inputs[alias].CopyFrom(to_proto(array))
        response = self._call(self._prediction.Predict, request, timeout)
        return list(_answers({alias: to_array(response.outputs[alias]) for alias in OUTPUTS}))

    def metadata(self, timeout: float | None = None) -> dict[str, Signature]:
        """Asks for the model's signatures.

        Returns:
            Signatures by name.

        Raises:
            ServingError: as `predict`.
        """
        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        request.model_spec.name = self.model
        response = self._call(self._prediction.GetModelMetadata, request, timeout)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        response.metadata["signature_def"].Unpack(signatures)
        return {name: Signature.from_proto(name, value) for name, value in signatures.signature_def.items()}

    def status(self, timeout: float | None = None) -> dict[int, str]:
        """Asks for the state of the model's versions; `AVAILABLE` is ready.

        Returns:
            States by version number.

        Raises:
            ServingError: as `predict`.
        """
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = self.model
        response = self._call(self._model_service.GetModelStatus, request, timeout)
        state = get_model_status_pb2.ModelVersionStatus.State
        return {status.version: state.Name(status.state) for status in response.model_version_status}

    def close(self) -> None:
        """Closes the connection."""
        self._channel.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _call(self, method: Callable[..., Any], request: Any, timeout: float | None) -> Any:
        with self._translated_errors():
            return method(request, timeout=self.timeout if timeout is None else timeout, metadata=self._metadata)

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        try:
            yield
        except grpc.RpcError as error:
            code, words = error.code(), plain_words(error.details() or "")
            if code is grpc.StatusCode.UNAVAILABLE:
                raise ServerUnavailable(f"no server answers at {self.address} ({words}); start one there") from error
            raise serving_error(code, words) from error


def _strings(argument: str, texts: Texts) -> np.ndarray:
    if isinstance(texts, (str, bytes)):
        raise ValueError(f"{argument} must be a list of texts, but is one text; put it into a list")
    array = np.empty(len(texts), object)
    for row, text in enumerate(texts):
        if not isinstance(text, (str, bytes)):
            raise ValueError(f"{argument} must hold texts, but row {row} is {type(text).__name__}; convert it")
        # A lone surrogate is no text; as invalid UTF-8 it reaches the graph, which deletes it.
        array[row] = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    return array


def _one_a_row(value: float | Sequence[float], rows: int) -> np.ndarray:
    values = np.asarray(value, np.float32)
    return np.full(rows, values) if values.ndim == 0 else values


def _answers(outputs: dict[str, np.ndarray]) -> Iterator[Answer]:
    for label, label_id, probabilities, exit_layer, uncertainty in zip(
        *(outputs[alias].tolist() for alias in OUTPUTS), strict=True
    ):
        yield Answer(label.decode(), label_id, tuple(probabilities), exit_layer, uncertainty)
