"""The gRPC port."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import grpc
from grpc_health.v1 import health_pb2_grpc
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

from fastbert_serving.call_places import DEFAULT_MAX_CALLS
from fastbert_serving.dispatcher import Dispatcher
from fastbert_serving.doors.bearer_token import BearerToken
from fastbert_serving.doors.health_service import HealthService
from fastbert_serving.doors.model_service import ModelService
from fastbert_serving.doors.prediction_service import PredictionService
from fastbert_serving.doors.request_parsing import RequestParsing
from fastbert_serving.doors.rpc import DEFAULT_MAX_MESSAGE_BYTES, message_options

RESERVE = 64
"""Threads for calls that are no predictions, and for predictions that are refused; beyond, gRPC itself refuses."""

MAX_PENDING = 1_000_000

MAX_CONNECTION_AGE_MS = 300_000
"""Then, give or take 10 %, a client is asked to connect again: only so does it learn of servers that are new. Its calls
on the old connection, a watch of the health too, go on for as long as they take."""


class GrpcDoor:
    """TensorFlow Serving's gRPC services and gRPC's health service on one port.

    A thread waits with each call, and there are more of them than the dispatcher takes predictions: so the dispatcher
    refuses what is too much, and counts it, and health and status are still answered. The port is taken at once, calls
    are answered from `start` on.

    Args:
        host: address to listen on.
        port: TCP port; 0 takes a free one (see `port`).
        max_calls: predictions that the dispatcher takes, waiting ones included.
        max_message_bytes: largest request or response; a larger one is answered RESOURCE_EXHAUSTED.
        credentials: TLS; None for none.

    Raises:
        ValueError: the port cannot be taken.
    """

    def __init__(
        self,
        host: str,
        port: int,
        max_calls: int = DEFAULT_MAX_CALLS,
        max_message_bytes: int = DEFAULT_MAX_MESSAGE_BYTES,
        credentials: grpc.ServerCredentials | None = None,
    ) -> None:
        self._server = grpc.server(
            ThreadPoolExecutor(max_calls + RESERVE, thread_name_prefix="grpc"),
            interceptors=[RequestParsing()],
            maximum_concurrent_rpcs=max_calls + RESERVE,
            options=[
                *message_options(max_message_bytes),
                ("grpc.so_reuseport", 0),  # else two servers share a port without a word
                ("grpc.max_connection_age_ms", MAX_CONNECTION_AGE_MS),
                # Past 1,000 calls that wait for Python, gRPC would cancel some at random; refusing is done elsewhere.
                ("grpc.server.max_pending_requests", MAX_PENDING),
                ("grpc.server.max_pending_requests_hard_limit", MAX_PENDING),
            ],
        )
        self._health: HealthService | None = None
        host = f"[{host}]" if ":" in host else host
        try:
            if credentials is None:
                self.port = self._server.add_insecure_port(f"{host}:{port}")
            else:
                self.port = self._server.add_secure_port(f"{host}:{port}", credentials)
        except RuntimeError as error:
            mend = "give a host of this machine and a free port" + (
                ", a key and its certificate" if credentials else ""
            )
            raise ValueError(f"cannot listen on {host}:{port}; {mend}") from error
        self.address = f"{host}:{self.port}"

    def start(self, dispatcher: Dispatcher, token: BearerToken | None = None, allow_reload: bool = False) -> None:
        """Answers calls from now on.

        Args:
            dispatcher: runs them.
            token: what clients must show; None lets everybody pass.
            allow_reload: whether clients may have other models served (see `ModelService`).
        """
        self._health = HealthService(dispatcher.backend)
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
            PredictionService(dispatcher, token), self._server
        )
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(
            ModelService(dispatcher, token, allow_reload), self._server
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self._server.start()

    def stop(self, grace: float = 5.0) -> None:
        """Sends clients away at once (GOAWAY), and lets calls in progress end.

        A call that a client sends before it has heard of it is answered CANCELLED, by gRPC itself.

        Args:
            grace: seconds after which calls in progress are cut off.
        """
        if self._health is not None:
            self._health.stop()
        self._server.stop(grace).wait()
