"""The ports in front of a backend, and their life from start to stop."""

from __future__ import annotations

import gc
import math
import os
import signal
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from logging import CRITICAL, getLogger
from types import TracebackType
from typing import Any, TypeVar

from absl import logging

from fastbert_serving.backend import Backend
from fastbert_serving.control.model_control import ModelControl
from fastbert_serving.dispatcher import Dispatcher
from fastbert_serving.doors.bearer_token import BearerToken
from fastbert_serving.doors.credentials import server_credentials
from fastbert_serving.doors.grpc_door import GrpcDoor
from fastbert_serving.doors.rest_app import RestApp
from fastbert_serving.doors.rest_door import RestDoor
from fastbert_serving.doors.state_report import StateReport
from fastbert_serving.front_settings import FrontSettings
from fastbert_serving.watch.access_log import AccessLog
from fastbert_serving.watch.control_metrics import ControlMetrics
from fastbert_serving.watch.drift_alarm import DriftAlarm
from fastbert_serving.watch.metrics import Metrics

F = TypeVar("F", bound="Front")

_CLOSING_SECONDS = 1.0  # of the grace time, for what comes after the requests: logs, queue, models
_FLUSH_SECONDS = 0.5


@dataclass(frozen=True)
class OpenedBackend:
    """A backend that answers."""

    backend: Backend
    """It."""
    queued_rows: Callable[[], float] | None
    """Returns the rows that wait in it; None where it does not know."""
    closers: Sequence[Callable[[float], None]]
    """What to call, in this order, when nobody asks any more, with the seconds that it may take."""


class Front(ABC):
    """Answers clients at a gRPC port and, if asked, at a REST port; a subclass says by what backend.

    `with` serves in background threads; `run()` serves until a signal.

    Args:
        settings: addresses, limits, secrets, logs.
    """

    def __init__(self, settings: FrontSettings) -> None:
        self.settings = settings
        self._life: ExitStack | None = None
        self._end = math.inf
        self._grpc: GrpcDoor | None = None
        self._rest: RestDoor | None = None

    @abstractmethod
    def _open(self, metrics: Metrics) -> OpenedBackend:
        """Returns the backend, ready.

        Raises:
            ValueError: it cannot be had.
        """

    @abstractmethod
    def _ready_line(self) -> str:
        """Says what is served, without the address."""

    @property
    def address(self) -> str:
        """Host and port of gRPC, as clients write them.

        Raises:
            RuntimeError: the server does not run.
        """
        return self._running(self._grpc).address

    @property
    def rest_address(self) -> str:
        """Host and port of REST.

        Raises:
            RuntimeError: the server does not run, or has no such port.
        """
        return self._running(self._rest).address

    def start(self: F) -> F:
        """Opens the backend, and answers requests from then on.

        Returns:
            The server itself.

        Raises:
            ValueError: a port, a file or a model is unusable; the message says which.
            RuntimeError: the server runs already.
        """
        if self._life is not None:
            raise RuntimeError(f"the server runs already, at {self.address}; stop() it first")
        self._end = math.inf
        with ExitStack() as life:
            self._start(life)
            self._life = life.pop_all()
        return self

    def stop(self) -> None:
        """Refuses new requests, lets those in progress end, and frees the backend; harmless when not running.

        What does not end within the grace time is left as it is.
        """
        life, self._life = self._life, None
        self._grpc = self._rest = None
        if life is not None:
            self._end = time.monotonic() + self.settings.grace_seconds
            life.close()

    def run(self) -> None:
        """Starts, prints a line when ready, and serves until SIGTERM or SIGINT; call it on the main thread.

        A SIGTERM that comes earlier ends it when it has started.

        Where something hangs, the process ends when the grace time has passed, and this does not return.

        Raises:
            ValueError: as `start`.
        """
        stopping = threading.Event()
        with ExitStack() as handlers:
            # Before the start: of a signal that nothing handles, a container's first process never learns.
            _call_at(signal.SIGTERM, stopping.set, handlers)
            with self:
                _call_at(signal.SIGINT, stopping.set, handlers)  # until here it interrupts
                rest = f", REST and page on http://{self._rest.address}/" if self._rest else ""
                for name in ("grpc._common", "grpc._server"):  # a traceback for every message that is no protobuf
                    getLogger(name).setLevel(CRITICAL)
                gc.collect()
                gc.freeze()  # else each full collection walks TensorFlow's objects, and all requests wait for it
                sys.stdout.write(f"{self._ready_line()} ready on {self.address}{rest}\n")
                sys.stdout.flush()
                stopping.wait()
                handlers.close()  # before requests in progress end: a second signal does not wait for them
                self._stop_or_end()

    def __enter__(self: F) -> F:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start(self, life: ExitStack) -> None:
        """Takes the ports first: a taken port is an error at once, not after the model has loaded."""
        settings = self.settings
        self._grpc, self._rest = self._take_ports(life)
        token = BearerToken.read(settings.token_file) if settings.token_file else None
        drift = DriftAlarm()
        control = ModelControl(settings.target_p99_ms / 1000) if settings.target_p99_ms else None
        metrics = Metrics([drift, *([ControlMetrics(control)] if control else [])])
        opened = self._open(metrics)
        for closer in reversed(opened.closers):
            self._at_stop(life, closer)
        if opened.queued_rows is not None:
            metrics.watch_queue(opened.queued_rows)
        log = AccessLog(settings.access_log, settings.access_log_text) if settings.access_log else None
        if log is not None:
            self._at_stop(life, log.close)
        dispatcher = Dispatcher(
            opened.backend, settings.limits, control, metrics, drift, log, settings.grpc_max_threads
        )
        life.callback(self._close_ports, self._grpc, self._rest)
        if self._rest is not None:
            report = StateReport(dispatcher, opened.queued_rows)
            timeout = settings.rest_api_timeout_in_ms / 1000
            self._rest.start(RestApp(dispatcher, report, token, timeout, settings.metrics_path()))
        self._grpc.start(dispatcher, token, settings.allow_reload_config)

    def _take_ports(self, life: ExitStack) -> tuple[GrpcDoor, RestDoor | None]:
        settings = self.settings
        keys = settings.ssl_config()
        grpc_door = GrpcDoor(
            settings.host,
            settings.port,
            settings.grpc_max_threads,
            settings.max_message_bytes,
            None if keys is None else server_credentials(keys),
        )
        life.callback(grpc_door.stop, 0)
        rest_door = None
        if settings.rest_api_port is not None:
            rest_door = RestDoor(
                settings.host, settings.rest_api_port, settings.grpc_max_threads, settings.max_message_bytes
            )
            life.callback(rest_door.stop, 0)
        return grpc_door, rest_door

    def _close_ports(self, grpc_door: GrpcDoor, rest_door: RestDoor | None) -> None:
        """Both ports at once: clients turn to other servers while requests in progress end.

        Some time is left to close what is behind.
        """
        closing = min(_CLOSING_SECONDS, self.settings.grace_seconds / 10)
        grace = max(0.0, self._left() - closing)
        other = threading.Thread(target=rest_door.stop, args=(grace,)) if rest_door else None
        if other is not None:
            other.start()
        grpc_door.stop(grace)
        if other is not None:
            other.join()

    def _at_stop(self, life: ExitStack, closer: Callable[[float], None]) -> None:
        """Has `closer` called with the seconds that are then left."""
        life.callback(lambda: closer(self._left()))

    def _left(self) -> float:
        """Seconds of the grace time that are left."""
        return min(self.settings.grace_seconds, max(0.0, self._end - time.monotonic()))

    def _stop_or_end(self) -> None:
        """Stops; ends the process if that takes all the grace time: something hangs, and Python would wait for it."""
        end = time.monotonic() + self.settings.grace_seconds
        stopping = threading.Thread(target=self.stop, name="stop", daemon=True)
        stopping.start()
        stopping.join(self.settings.grace_seconds)
        if time.monotonic() >= end:
            flushing = threading.Thread(target=_say_goodbye, name="flush", daemon=True)  # a full pipe hangs, too
            flushing.start()
            flushing.join(_FLUSH_SECONDS)
            os._exit(0)

    @staticmethod
    def _running(door: Any) -> Any:
        if door is None:
            raise RuntimeError("the server does not listen there; start() it, with a port for it")
        return door


def _call_at(number: int, function: Callable[[], None], handlers: ExitStack) -> None:
    """Has `function` called at a signal; the handler before it comes back when `handlers` closes."""
    handlers.callback(signal.signal, number, signal.signal(number, lambda *_: function()))


def _say_goodbye() -> None:
    logging.warning("the grace time is over, and not everything has ended; the process ends all the same")
    logging.flush()
    sys.stdout.flush()
    sys.stderr.flush()
