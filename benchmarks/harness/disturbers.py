"""Clients that a server must survive: killed ones, slow readers, and those that say half a sentence."""

from __future__ import annotations

import random
import signal
import socket
import subprocess
import tempfile
import time
from collections import Counter, deque
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import numpy as np

from harness.fuzz_wire import WireCases
from harness.http2_frames import (
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    INITIAL_WINDOW_SIZE,
    PREFACE,
    SETTINGS,
    frame,
    grpc_headers,
    message,
    setting,
)
from harness.open_loop import generator_command
from harness.pipes import opened
from harness.repeated import Repeated
from harness.serving_process import HOST

KILLED_CALLS = 40  # outstanding when their client is killed
SLOW_ANSWERS = 100
STREAMS = 20
OPEN_CONNECTIONS = 30
_START_SECONDS = 60


class Disturbers(Repeated):
    """Disturbs a server in turns while its `with` block runs.

    Args:
        address: its gRPC address.
        rest_address: its REST address.
        requests: serialised Predict requests.
        name: the model's name.
        interval: seconds between two disturbances.
        seed: of what is drawn.
        core: processor of clients that are processes.
    """

    def __init__(
        self,
        address: str,
        rest_address: str,
        requests: Sequence[bytes],
        name: str = "fastbert",
        interval: float = 1.0,
        seed: int = 0,
        core: int | None = None,
    ) -> None:
        super().__init__(interval)
        self.address, self.rest_address, self.requests, self.name = address, rest_address, list(requests), name
        self.core = core
        self.done: Counter[str] = Counter()
        """Disturbances by kind."""
        self.problem = ""
        """Why it stopped, if it did."""
        self._rng = random.Random(seed)
        self._open: deque[socket.socket] = deque()  # slow readers and half requests stay while others come

    def killed_client(self) -> None:
        """A process with many calls outstanding is killed."""
        with tempfile.TemporaryDirectory() as folder:
            times, which = np.zeros(KILLED_CALLS), np.arange(KILLED_CALLS) % len(self.requests)
            command = generator_command(
                Path(folder), Path(folder) / "none", self.address, self.requests, times, which, 30.0, self.core
            )
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as client:
                opened(client.stdout).readline()  # it begins to send 0.3 s later
                time.sleep(0.3 + self._rng.uniform(0, 0.1))
                client.send_signal(signal.SIGKILL)

    def slow_rest_reader(self) -> None:
        """Asks for much on one connection, and reads next to nothing."""
        connection = self._connect(self.rest_address)
        connection.sendall(f"GET /v1/models/{self.name}/metadata HTTP/1.1\r\nHost: x\r\n\r\n".encode() * SLOW_ANSWERS)
        connection.recv(64)
        self._leave_open(connection)

    def slow_grpc_reader(self) -> None:
        """Makes calls on a connection that takes one byte of each answer."""
        connection = self._connect(self.address)
        connection.sendall(PREFACE + frame(SETTINGS, 0, 0, setting(INITIAL_WINDOW_SIZE, 1)))
        for number in range(STREAMS):
            stream = 2 * number + 1
            request = message(self._rng.choice(self.requests))
            connection.sendall(frame(HEADERS, END_HEADERS, stream, grpc_headers("x")))
            connection.sendall(frame(DATA, END_STREAM, stream, request))
        connection.recv(64)
        self._leave_open(connection)

    def half_request(self) -> None:
        """Sends the beginning of a request."""
        case = WireCases().unfinished(self._rng)
        connection = self._connect(self.rest_address)
        connection.sendall(case.pieces[0])
        self._leave_open(connection)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        for connection in self._open:
            connection.close()

    def _once(self) -> bool:
        kinds = [self.slow_grpc_reader, self.killed_client]
        kinds += [self.slow_rest_reader, self.half_request] if self.rest_address else []
        disturb = kinds[sum(self.done.values()) % len(kinds)]
        try:
            disturb()
        except OSError as error:
            self.problem = f"{disturb.__name__}: {error}"
            return False
        self.done[disturb.__name__] += 1
        return True

    def _connect(self, address: str) -> socket.socket:
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # before connecting: it sets the window
        connection.settimeout(_START_SECONDS)
        connection.connect((HOST, int(address.rpartition(":")[2])))
        return connection

    def _leave_open(self, connection: socket.socket) -> None:
        self._open.append(connection)
        if len(self._open) > OPEN_CONNECTIONS:
            self._open.popleft().close()
