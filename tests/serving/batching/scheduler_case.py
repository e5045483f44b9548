"""Test cases with a scheduler, and a runner whose pace the test sets."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import tensorflow as tf

from fastbert_serving.batching import BatchingParameters, BatchScheduler
from fastbert_serving.call import Call, Cancellation, ModelReference
from fastbert_serving.errors import InvalidRequest

LONG = 60.0  # seconds; only a broken scheduler takes them
SPLITTING = {"enable_large_batch_splitting": True, "max_batch_size": 16, "max_execution_batch_size": 4}


class Runner:
    """Doubles `x`; refuses negative ones, as a graph does; waits while `gate` is shut."""

    def __init__(self):
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Semaphore(0)
        self.batches = []

    def __call__(self, inputs):
        self.batches.append(inputs["x"].tolist())
        self.entered.release()
        if not self.gate.wait(LONG):
            raise TimeoutError("the test never opened the gate")
        if np.any(inputs["x"] < 0):
            raise InvalidRequest("x must not be negative")
        return {"y": 2 * inputs["x"]}


def call_of(*x, deadline=None, text_bytes=None):
    inputs = {"x": np.array(x, np.float32)}
    if text_bytes is not None:
        inputs["text"] = np.array([b"t" * text_bytes] * len(x), object)
    return Call(ModelReference("m"), inputs, deadline=deadline, cancellation=Cancellation())


class SchedulerCase(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.runner = Runner()
        self.pool = ThreadPoolExecutor(64)
        self.addCleanup(self.pool.shutdown)
        self.records = []

    def scheduler(self, batching=True, **parameters):
        shape = {"max_batch_size": 4, "num_batch_threads": 1, **parameters}
        scheduler = BatchScheduler(BatchingParameters(**shape) if batching else None, [self.records.append])
        self.addCleanup(scheduler.close)
        self.addCleanup(self.runner.gate.set)
        return scheduler

    def submit(self, scheduler, call, key="key"):
        return self.pool.submit(scheduler.run, key, self.runner, call.inputs, call)

    @contextmanager
    def busy(self, scheduler):
        """Holds the only place with a call while the test fills the queue."""
        self.runner.gate.clear()
        first = self.submit(scheduler, call_of(0), key="busy")
        self.assertTrue(self.runner.entered.acquire(timeout=LONG))
        yield
        self.runner.gate.set()
        first.result(LONG)

    def until_queued(self, scheduler, rows):
        deadline = time.monotonic() + LONG
        while scheduler.queued_rows != rows:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.001)

    def queue_up(self, scheduler, *calls):
        """Submits calls so that they arrive in this order."""
        futures, rows = [], scheduler.queued_rows
        for call in calls:
            futures.append(self.submit(scheduler, call))
            rows += call.rows
            self.until_queued(scheduler, rows)
        return futures
