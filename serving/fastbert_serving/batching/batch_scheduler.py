"""Dynamic batching: calls of many clients share runs of the graph."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Sequence

from absl import logging

from fastbert_serving.batching import rows
from fastbert_serving.batching.batch_queue import BatchQueue
from fastbert_serving.batching.batch_record import BatchRecord
from fastbert_serving.batching.batching_parameters import BatchingParameters
from fastbert_serving.batching.pending_call import Arrays, BatchResult, PendingCall, Piece, Runner
from fastbert_serving.call import Call
from fastbert_serving.errors import InvalidRequest, ServerUnavailable

UNBATCHED_QUEUE_ROWS = 1000
"""Rows of a model and signature that may wait where batching is off."""

Observer = Callable[[BatchRecord], None]


class BatchScheduler:
    """Runs calls, several of one key and similar text length in one batch.

    Runs `num_batch_threads` batches at a time. A call that finds one of these places free and nobody waiting is run by
    its own thread at once; the others wait in a bounded queue for the scheduler's threads. A call for which nobody
    waits any more leaves the queue before it costs work. When a batch fails, each of its calls is run alone, so that an
    input which the graph refuses fails its own call only.

    Args:
        parameters: how calls share batches; None runs every call alone, with the same queue and the same limits.
        observers: called with every batch that has run, on the thread that ran it; they must be quick.
    """

    def __init__(self, parameters: BatchingParameters | None = None, observers: Sequence[Observer] = ()) -> None:
        self.is_batching = parameters is not None
        self.parameters = parameters or BatchingParameters(max_batch_size=1, max_enqueued_batches=UNBATCHED_QUEUE_ROWS)
        self._observers = tuple(observers)
        self._queue = BatchQueue(
            self.parameters.batch_rows, self.parameters.max_queued_rows, self.parameters.batch_timeout_micros / 1e6
        )
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._running = 0
        self._is_closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"{self.parameters.thread_pool_name}_{index}", daemon=True)
            for index in range(self.parameters.num_batch_threads)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def queued_rows(self) -> int:
        """Rows that wait."""
        return self._queue.rows

    def run(
        self, key: Hashable, runner: Runner, inputs: Arrays, call: Call, longest_text: int | None = None
    ) -> BatchResult:
        """Runs a call and waits for its result.

        Args:
            key: calls of one key may share a batch; a loaded version and a signature, for example.
            runner: computes outputs from inputs; may be called from any thread, and calls of one key have one runner.
            inputs: arrays by input name, the batch first; strings as object arrays of `bytes`.
            call: deadline and cancellation.
            longest_text: bytes of a row beyond which texts cost no more, because the tokenizer cuts them.

        Returns:
            Outputs of the call's rows, the seconds it waited and ran, and the rows of its batch.

        Raises:
            ResourceExhausted: the queue is full.
            DeadlineExceeded: the deadline has passed.
            Cancelled: the client has gone.
            InvalidRequest: the call has more rows than the parameters allow.
            ServerUnavailable: the scheduler is closed.
            ServingError: as `runner`.
        """
        pending = self._pending(key, runner, inputs, call, longest_text)
        try:
            return self._result(pending)
        finally:
            pending.pieces.clear()  # they point back at it: the arrays would stay until garbage is collected

    def close(self, grace_seconds: float | None = None) -> None:
        """Refuses new calls, and returns when those in progress have ended.

        Args:
            grace_seconds: time after which calls that still wait are answered UNAVAILABLE; None for no limit.
        """
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._queue and not self._running, grace_seconds)
            for piece in self._queue.waiting():
                piece.pending.fail(_closed())
                self._queue.discard(piece)
            self._wake()

    # === The calling thread ===

    def _result(self, pending: PendingCall) -> BatchResult:
        if pending.end_if_unwanted():
            return pending.result()
        if self._enter(pending):
            try:
                self._execute(pending.pieces)
            finally:
                self._leave()
            return pending.result()
        forget = pending.call.cancellation.add_callback(lambda: self._withdraw(pending))
        try:
            return pending.wait()
        except BaseException:
            self._withdraw(pending)
            raise
        finally:
            forget()

    def _pending(
        self, key: Hashable, runner: Runner, inputs: Arrays, call: Call, longest_text: int | None
    ) -> PendingCall:
        if not self.is_batching or not rows.is_row_wise(inputs):
            return PendingCall(key, runner, call, [inputs], None)
        most = self.parameters.max_call_rows
        if call.rows > most:
            raise InvalidRequest(f"a request must have at most {most} rows, but has {call.rows}; send fewer")
        group = (key, rows.row_shapes(inputs), rows.length_class(inputs, longest_text))
        return PendingCall(key, runner, call, rows.cut(inputs, self.parameters.batch_rows), group)

    def _enter(self, pending: PendingCall) -> bool:
        """Takes a place for a call that can start at once, else puts it into the queue."""
        with self._changed:
            if self._is_closed:
                raise _closed()
            may_wait = self._running and self._queue.timeout_seconds  # for company; alone there is none to wait for
            is_full = self._running >= self.parameters.num_batch_threads
            if self._queue or may_wait or is_full or len(pending.pieces) > 1:
                self._queue.add(pending.pieces)
                self._changed.notify()
                return False
            self._running += 1
            return True

    def _leave(self) -> None:
        with self._changed:
            self._running -= 1
            self._wake()

    def _withdraw(self, pending: PendingCall) -> None:
        """Frees the place of a call that nobody waits for any more."""
        pending.end_if_unwanted()
        with self._changed:
            for piece in pending.pieces:
                self._queue.discard(piece)
            self._wake()

    # === The scheduler's threads ===

    def _work(self) -> None:
        finished = 0
        while batch := self._next_batch(finished):
            self._execute(batch)
            del batch  # else it stays in memory until the next one comes
            finished = 1

    def _next_batch(self, finished: int) -> list[Piece]:
        """Gives back the place of a finished batch, and waits for one and a batch that is due; none: closed."""
        with self._changed:
            self._running -= finished
            while self._queue or not self._is_closed:
                now, due_at = time.monotonic(), None
                if self._running < self.parameters.num_batch_threads:
                    batch = self._queue.take(now, hurry=self._is_closed or not self._running)
                    if batch:
                        self._running += 1
                        self._wake()  # others may go on with the rest
                        return batch
                    due_at = self._queue.due_at()
                self._changed.wait(None if due_at is None else max(0.0, due_at - now))
            self._wake()
            return []

    def _wake(self) -> None:
        """Wakes who can go on now; the lock is held."""
        if self._is_closed:
            self._changed.notify_all()
        elif self._queue:
            self._changed.notify()

    # === A batch ===

    def _execute(self, batch: Sequence[Piece]) -> None:
        """Runs pieces together; where that fails, one by one. Their calls take outcomes, errors included."""
        batch = [piece for piece in batch if not piece.pending.end_if_unwanted()]
        if not batch:
            return
        started = time.monotonic()
        counts = [piece.rows for piece in batch]
        total = sum(counts)
        padded = total if batch[0].is_alone else self.parameters.padded_rows(total)
        try:
            parts = self._outputs(batch, counts, padded)
        except BaseException as error:
            if len(batch) == 1:
                batch[0].pending.fail(error)
            else:
                for piece in batch:
                    self._execute([piece])
            return
        seconds = time.monotonic() - started
        for piece, part in zip(batch, parts, strict=True):
            piece.finish(part, started, seconds, total)
        waited = started - min(piece.pending.arrived for piece in batch)
        self._tell(BatchRecord(batch[0].pending.key, len(batch), total, padded, waited, seconds))

    def _outputs(self, batch: Sequence[Piece], counts: Sequence[int], padded: int) -> list[Arrays]:
        runner = batch[0].pending.runner
        if batch[0].is_alone:
            return [runner(batch[0].inputs)]
        return rows.split(runner(rows.merge([piece.inputs for piece in batch], padded)), counts, padded)

    def _tell(self, record: BatchRecord) -> None:
        for observer in self._observers:
            try:
                observer(record)
            except Exception:  # what watches must not end what works
                logging.exception("an observer of batches failed")


def _closed() -> ServerUnavailable:
    return ServerUnavailable("the server is shutting down; send the request to another one")
