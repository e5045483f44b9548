"""The embedded server: TensorFlow Serving's gRPC services over one model."""

from __future__ import annotations

import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any

import grpc
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

from fastbert_serving.model_service import ModelService
from fastbert_serving.prediction_service import PredictionService
from fastbert_serving.rpc import DEFAULT_MAX_MESSAGE_BYTES, message_options
from fastbert_serving.servable import Servable
from fastbert_serving.served_model import ServedModel, newest_version
from fastbert_serving.warmup import warm_up


class Server:
    """Serves the newest version in a model directory.

    `with Server(directory) as server:` serves in background threads; `run()` serves until a signal.

    Args:
        model_dir: the model's directory, one numbered subdirectory a version.
        name: the model name that requests carry.
        host: address to listen on; the default is reachable from this machine alone.
        port: TCP port; 0 takes a free one (see `port` after `start`).
        max_message_bytes: largest request or response; a larger one is answered RESOURCE_EXHAUSTED.
        threads: requests computed at the same time; others wait.
        max_rows: largest number of rows in a request; more are answered INVALID_ARGUMENT. Memory grows with
            `max_rows * threads`.

    Raises:
        ValueError: an argument breaks its rule.
    """

    def __init__(
        self,
        model_dir: str | os.PathLike[str],
        name: str = "fastbert",
        host: str = "127.0.0.1",
        port: int = 0,
        max_message_bytes: int = DEFAULT_MAX_MESSAGE_BYTES,
        threads: int = 8,
        max_rows: int = 1024,
    ) -> None:
        if not name:
            raise ValueError("name must not be empty; requests carry it")
        if not 0 <= port <= 65535:
            raise ValueError(f"port must be in [0, 65535], but is {port}; 0 takes a free one")
        for argument, value in (
            ("max_message_bytes", max_message_bytes),
            ("threads", threads),
            ("max_rows", max_rows),
        ):
            if value < 1:
                raise ValueError(f"{argument} must be at least 1, but is {value}")
        self.model_dir = Path(model_dir)
        self.name = name
        self.host = host
        self.port = port
        self.max_message_bytes = max_message_bytes
        self.threads = threads
        self.max_rows = max_rows
        self._grpc: grpc.Server | None = None
        self._servable: Servable | None = None

    @property
    def address(self) -> str:
        """Host and port, as clients write them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def version(self) -> int:
        """The version in service.

        Raises:
            RuntimeError: the server has not been started.
        """
        if self._servable is None:
            raise RuntimeError("the server serves no version yet; call start()")
        return self._servable.version

    def start(self) -> Server:
        """Loads the newest version, warms it up, and answers requests from then on.

        Returns:
            The server itself.

        Raises:
            ValueError: the port cannot be bound, or the model cannot be served (`ModelError`, `ManifestError`).
            RuntimeError: the server runs already.
        """
        if self._grpc is not None:
            raise RuntimeError(f"the server runs already, at {self.address}; stop() it first")
        server = self._bind()
        try:
            servable = Servable(newest_version(self.model_dir))
            warm_up(servable)
        except BaseException:
            server.stop(None)
            raise
        model = ServedModel(self.name, servable)
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
            PredictionService(model, self.max_rows), server
        )
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(model), server)
        server.start()
        self._grpc, self._servable = server, servable
        return self

    def stop(self, grace: float = 5.0) -> None:
        """Refuses new requests, lets those in progress end, and frees the model; harmless when not running.

        Args:
            grace: seconds after which requests in progress are cut off.
        """
        server, servable = self._grpc, self._servable
        self._grpc = self._servable = None
        if server is not None:
            server.stop(grace).wait()
        if servable is not None:
            servable.close()

    def run(self) -> None:
        """Starts, prints one line when ready, and serves until SIGTERM or SIGINT; call it on the main thread.

        Raises:
            ValueError: as `start`.
        """
        stopping = threading.Event()
        with self:
            previous = {
                number: signal.signal(number, lambda *_: stopping.set()) for number in (signal.SIGTERM, signal.SIGINT)
            }
            try:
                sys.stdout.write(f"model {self.name} version {self.version} ready on {self.address}\n")
                sys.stdout.flush()
                stopping.wait()
            finally:  # before requests in progress end: a second signal does not wait for them
                for number, handler in previous.items():
                    signal.signal(number, handler)

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _bind(self) -> grpc.Server:
        """Reserves the port before the model loads: a taken port is an error at once."""
        options: list[tuple[str, Any]] = message_options(self.max_message_bytes)
        options.append(("grpc.so_reuseport", 0))  # else two servers share a port without a word
        server = grpc.server(ThreadPoolExecutor(self.threads, thread_name_prefix="serving"), options=options)
        try:
            self.port = server.add_insecure_port(self.address)
        except RuntimeError as error:
            raise ValueError(f"cannot listen on {self.address}; give a host of this machine and a free port") from error
        return server
