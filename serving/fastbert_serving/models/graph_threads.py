"""The threads that run graphs."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from fastbert_serving.errors import ServerUnavailable

T = TypeVar("T")


class GraphThreads:
    """Runs calls on a few threads, the one that was used last first.

    oneDNN keeps the products that it has prepared, for every number of tokens, by thread: on any thread of a large pool
    a call would meet a cold cache, and each thread would fill some hundred megabytes of its own.

    Args:
        count: threads, at least 1; as many calls run at a time, others wait.
    """

    def __init__(self, count: int) -> None:
        self._workers = [_Worker(f"graph_{index}") for index in range(count)]
        self._idle: queue.LifoQueue[_Worker] = queue.LifoQueue()
        for worker in self._workers:
            self._idle.put(worker)
        self._warms_up = True

    def run(self, call: Callable[..., T], *arguments: Any) -> T:
        """Returns the result of a call, or raises what it raises.

        Raises:
            ServerUnavailable: the threads are closed.
        """
        worker = self._idle.get()
        try:
            return worker.start(call, *arguments).result()
        finally:
            self._idle.put(worker)

    def run_on_each(self, call: Callable[..., Any], *arguments: Any) -> None:
        """Makes a call on every thread, on all at a time, after what each is at: to warm them up.

        Raises:
            ServerUnavailable: the threads are closed, or refuse to be warmed up; else what the call raises.
        """
        if not self._warms_up:
            raise _stopping()
        for future in [worker.start(call, *arguments) for worker in self._workers]:
            future.result()

    def refuse_warm_up(self) -> None:
        """Refuses `run_on_each` from now on, so that the end need not wait for a version that still warms up."""
        self._warms_up = False

    def close(self) -> None:
        """Ends the threads, after the calls that were made before; later ones are refused."""
        for worker in self._workers:
            worker.close()


class _Worker:
    """A thread and the calls that wait for it."""

    def __init__(self, name: str) -> None:
        self._calls: queue.SimpleQueue[tuple[Future, Callable[..., Any], tuple] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()  # no call comes after the end
        self._is_closed = False
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def start(self, call: Callable[..., T], *arguments: Any) -> Future[T]:
        future: Future[T] = Future()
        with self._lock:
            if self._is_closed:
                raise _stopping()
            self._calls.put((future, call, arguments))
        return future

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            self._calls.put(None)

    def _work(self) -> None:
        while (job := self._calls.get()) is not None:
            future, call, arguments = job
            try:
                future.set_result(call(*arguments))
            except BaseException as error:  # raised again where the call was made
                future.set_exception(error)
            del job, future, call, arguments  # not until the next call comes


def _stopping() -> ServerUnavailable:
    return ServerUnavailable("the server is stopping")
