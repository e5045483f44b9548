"""The REST port."""

from __future__ import annotations

import resource
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from waitress import create_server, wasyncore

from fastbert_serving.call_places import DEFAULT_MAX_CALLS
from fastbert_serving.doors.rest_channel import RestChannel, RestThreads
from fastbert_serving.doors.rpc import DEFAULT_MAX_MESSAGE_BYTES

MAX_CONNECTIONS = 4096
_IDLE_SECONDS = 60
_POLL_SECONDS = 0.02


class RestDoor:
    """Serves a WSGI application by waitress, on threads that no client holds.

    One thread reads all requests and writes all answers, so that a client that is slow to send or to read takes
    memory and a connection, but none of the threads that work. The port is taken at once, requests are answered from
    `start` on.

    Args:
        host: address to listen on.
        port: TCP port; 0 takes a free one (see `port`).
        max_calls: predictions in progress, waiting ones included; the application is told to refuse more.
        max_message_bytes: largest body; a larger one is answered 413.

    Raises:
        ValueError: the port cannot be taken.
    """

    def __init__(
        self,
        host: str,
        port: int,
        max_calls: int = DEFAULT_MAX_CALLS,
        max_message_bytes: int = DEFAULT_MAX_MESSAGE_BYTES,
    ) -> None:
        self.max_calls = max_calls
        self.max_message_bytes = max_message_bytes
        shown = f"[{host}]" if ":" in host else host
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            self._socket = socket.create_server((host, port), family=family, backlog=1024)
        except (OSError, OverflowError) as error:
            raise ValueError(f"cannot listen on {shown}:{port}; give a host of this machine and a free port") from error
        self.port = self._socket.getsockname()[1]
        self.address = f"{shown}:{self.port}"
        self._channels: dict[int, Any] = {}  # waitress' own: listener, trigger and connections by file number
        self._server: Any = None
        self._threads: RestThreads | None = None
        self._loop: threading.Thread | None = None

    def start(self, app: Callable[..., Any]) -> None:
        """Answers requests from now on.

        Args:
            app: the WSGI application.
        """
        self._threads = RestThreads(self.max_calls)
        self._server = create_server(
            app,
            map=self._channels,
            _dispatcher=self._threads,
            sockets=[self._socket],
            connection_limit=_connection_limit(),
            asyncore_use_poll=True,
            channel_request_lookahead=1,  # reads on while a request is worked on, and so sees the client go
            channel_timeout=_IDLE_SECONDS,
            outbuf_high_watermark=sys.maxsize,  # no thread waits for who does not read; two answers at most lie here
            max_request_body_size=self.max_message_bytes + 1,
            max_request_header_size=2**16,
            log_socket_errors=False,
            ident=None,
        )
        self._server.channel_class = RestChannel
        self._server.is_draining = False
        self._loop = threading.Thread(target=self._server.run, name="rest", daemon=True)
        self._loop.start()

    def stop(self, grace: float = 5.0) -> None:
        """Refuses new connections, and lets requests in progress end.

        Args:
            grace: seconds after which they are cut off.
        """
        if self._server is None or self._threads is None or self._loop is None:
            self._socket.close()
            return
        deadline = time.monotonic() + grace
        self._server.is_draining = True
        self._in_loop(lambda: wasyncore.dispatcher.close(self._server))
        while self._is_busy() and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        self._in_loop(self._close_all)
        self._loop.join()
        self._threads.shutdown()
        self._server = None

    def _is_busy(self) -> bool:
        """Whether a request is worked on, or an answer is still to be sent."""
        return any(
            channel.requests or channel.total_outbufs_len for channel in list(self._server.active_channels.values())
        )

    def _close_all(self) -> None:
        for channel in list(self._server.active_channels.values()):
            channel.handle_close()  # also cancels its request
        wasyncore.close_all(self._channels)  # without channels, the loop ends

    def _in_loop(self, work: Callable[[], None]) -> None:
        """Runs `work` on the thread that owns the connections."""
        self._server.trigger.pull_trigger(work)


def _connection_limit() -> int:
    """Returns how many connections this process may have: half of its files, so that models can still be loaded."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_CONNECTIONS if soft == resource.RLIM_INFINITY else max(16, min(MAX_CONNECTIONS, soft // 2))
