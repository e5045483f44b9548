"""How waitress treats the REST port's connections and threads."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from waitress.channel import HTTPChannel
from waitress.task import ErrorTask, WSGITask

from fastbert_serving.call import Cancellation
from fastbert_serving.doors.rest_app import CANCELLATION_KEY, OVERLOAD_KEY

QUICK_THREADS = 2
QUESTION_THREADS = 16
_API = "/v1/"


class _JsonErrorTask(ErrorTask):
    """Answers what is no request, or comes at a bad time, in the API's own form."""

    def execute(self) -> None:
        error = self.request.error
        body = json.dumps({"error": f"{error.reason}: {error.body}"}).encode("ascii")
        self.status = f"{error.code} {error.reason}"
        self.response_headers.append(("Content-Type", "application/json"))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _CancellableTask(WSGITask):
    """Tells the application when the client goes, and the client when the server goes."""

    def get_environment(self) -> dict[str, Any]:
        environ = super().get_environment()
        environ[CANCELLATION_KEY] = self.channel.begin()
        environ[OVERLOAD_KEY] = self.channel.is_refused
        return environ

    def build_response_header(self) -> bytes:
        is_greedy = self.channel.total_outbufs_len > 0  # it has sent this request, but not taken the answer before
        if is_greedy or self.channel.server.is_draining:
            self.set_close_on_finish()
        return super().build_response_header()


class RestChannel(HTTPChannel):
    """A connection that notices when its client goes, while a request is worked on.

    Attributes:
        is_refused: whether no thread is free for its request.
    """

    task_class = _CancellableTask
    error_task_class = _JsonErrorTask

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._cancellation = Cancellation()
        self.is_refused = False
        super().__init__(*arguments, **options)

    def begin(self) -> Cancellation:
        """Returns the cancellation of the request that begins."""
        self._cancellation = Cancellation()
        if not self.connected:
            self._cancellation.set()
        return self._cancellation

    def handle_close(self) -> None:
        super().handle_close()
        self._cancellation.set()


class RestThreads:
    """Gives each prediction a thread at once, or refuses it: requests wait in the backend's queue, never before it.

    Questions about models have threads of their own, so that probes are answered under overload, too. A gateway's may
    all hang with the server behind it; metrics, the page and refusals ask no backend, and have other threads again.
    It stands in for waitress' own dispatcher of tasks.

    Args:
        max_calls: predictions in progress.
    """

    def __init__(self, max_calls: int) -> None:
        self._free = threading.Semaphore(max_calls)
        self._slow = ThreadPoolExecutor(max_calls, thread_name_prefix="rest-predict")
        self._questions = ThreadPoolExecutor(QUESTION_THREADS, thread_name_prefix="rest-question")
        self._quick = ThreadPoolExecutor(QUICK_THREADS, thread_name_prefix="rest-quick")

    def add_task(self, channel: Any) -> None:
        """Has a connection's next request answered."""
        request = channel.requests[0]
        is_prediction = request.error is None and request.command == "POST"
        is_taken = is_prediction and self._free.acquire(blocking=False)
        channel.is_refused = is_prediction and not is_taken
        if is_taken:
            self._slow.submit(self._predict, channel)
        elif request.error is None and not is_prediction and request.path.startswith(_API):
            self._questions.submit(channel.service)
        else:
            self._quick.submit(channel.service)

    def shutdown(self) -> None:
        """Ends the threads; those at work end when their work does."""
        for threads in (self._slow, self._questions, self._quick):
            threads.shutdown(wait=False, cancel_futures=True)

    def _predict(self, channel: Any) -> None:
        try:
            channel.service()
        finally:
            self._free.release()
