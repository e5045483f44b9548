"""The scheduler with a runner whose pace the test sets."""

import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import tensorflow as tf

from fastbert_serving.batching import BatchingParameters, BatchScheduler
from fastbert_serving.call import Call, Cancellation, ModelReference
from fastbert_serving.errors import (
    Cancelled,
    DeadlineExceeded,
    InvalidRequest,
    ResourceExhausted,
    ServerUnavailable,
    ServingError,
)

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


class BatchSchedulerTest(tf.test.TestCase):
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

    # === Batches ===

    def test_idle_scheduler_runs_a_call_on_its_own_thread(self):
        scheduler = self.scheduler(batch_timeout_micros=10_000_000)
        threads = []
        call = call_of(1, 2)
        result = scheduler.run(
            "key", lambda inputs: threads.append(threading.current_thread()) or inputs, call.inputs, call
        )
        self.assertEqual(threads, [threading.current_thread()])
        self.assertAllEqual(result.outputs["x"], [1, 2])
        self.assertEqual(result.batch_rows, 2)

    def test_calls_that_wait_share_a_batch_and_get_their_own_rows(self):
        scheduler = self.scheduler()
        with self.busy(scheduler):
            futures = self.queue_up(scheduler, call_of(1), call_of(2, 3), call_of(4), call_of(5))
        results = [future.result(LONG) for future in futures]
        self.assertEqual([result.outputs["y"].tolist() for result in results], [[2], [4, 6], [8], [10]])
        self.assertEqual(self.runner.batches[1:], [[1, 2, 3, 4], [5]])
        self.assertEqual([result.batch_rows for result in results], [4, 4, 4, 1])
        self.assertTrue(all(result.queue_seconds > 0 and result.run_seconds >= 0 for result in results))

    def test_other_keys_lengths_and_shapes_run_apart(self):
        scheduler = self.scheduler()
        with self.busy(scheduler):
            futures = self.queue_up(
                scheduler, call_of(1, text_bytes=10), call_of(2, text_bytes=5000), call_of(3, text_bytes=90)
            )
            other = self.submit(scheduler, call_of(4, text_bytes=10), key="other")
            wide = Call(ModelReference("m"), {"x": np.zeros((1, 2), np.float32)})
            self.until_queued(scheduler, 4)
            futures += [other, *self.queue_up(scheduler, wide)]
        for future in futures:
            future.result(LONG)
        self.assertEqual(self.runner.batches[1:], [[1, 3], [2], [4], [[0, 0]]])

    def test_padding_to_allowed_sizes(self):
        scheduler = self.scheduler(allowed_batch_sizes=(2, 4))
        with self.busy(scheduler):
            futures = self.queue_up(scheduler, call_of(1), call_of(2, 3))
        self.assertEqual([future.result(LONG).outputs["y"].tolist() for future in futures], [[2], [4, 6]])
        self.assertEqual(self.runner.batches[1:], [[1, 2, 3, 3]])
        self.assertEqual((self.records[-1].calls, self.records[-1].rows, self.records[-1].padded_rows), (2, 3, 4))

    def test_large_call_is_split(self):
        scheduler = self.scheduler(**SPLITTING)
        call = call_of(*range(10))
        result = scheduler.run("key", self.runner, call.inputs, call)
        self.assertAllEqual(result.outputs["y"], 2 * np.arange(10))
        self.assertEqual([len(batch) for batch in self.runner.batches], [4, 4, 2])

    def test_pieces_of_a_large_call_run_at_the_same_time(self):
        scheduler = self.scheduler(num_batch_threads=3, **SPLITTING)
        together = threading.Barrier(3)

        def run(inputs):
            together.wait(LONG)
            return {"y": inputs["x"]}

        call = call_of(*range(12))
        result = scheduler.run("key", run, call.inputs, call)
        self.assertAllEqual(result.outputs["y"], np.arange(12))

    def test_large_call_is_refused_where_splitting_is_off(self):
        scheduler = self.scheduler()
        call = call_of(*range(5))
        with self.assertRaisesRegex(InvalidRequest, "at most 4 rows, but has 5"):
            scheduler.run("key", self.runner, call.inputs, call)

    def test_without_batching_every_call_runs_alone(self):
        scheduler = self.scheduler(batching=False)
        places = scheduler.parameters.num_batch_threads
        self.runner.gate.clear()
        futures = [self.submit(scheduler, call_of(0)) for _ in range(places)]
        for _ in range(places):
            self.assertTrue(self.runner.entered.acquire(timeout=LONG))
        futures += self.queue_up(scheduler, call_of(1, 2), call_of(3))
        self.runner.gate.set()
        for future in futures:
            future.result(LONG)
        self.assertCountEqual(self.runner.batches[places:], [[1, 2], [3]])

    def test_timeout_waits_for_company_while_others_run(self):
        scheduler = self.scheduler(num_batch_threads=2, batch_timeout_micros=int(LONG * 1e6))
        with self.busy(scheduler):
            futures = self.queue_up(scheduler, call_of(1), call_of(2), call_of(3))
            self.assertEqual(self.runner.batches, [[0]])  # a place is free, but they wait
            futures.append(self.submit(scheduler, call_of(4)))
            self.assertTrue(self.runner.entered.acquire(timeout=LONG))
            self.assertEqual(self.runner.batches, [[0], [1, 2, 3, 4]])
        for future in futures:
            future.result(LONG)

    # === Calls that end otherwise ===

    def test_a_refused_row_fails_its_own_call_only(self):
        scheduler = self.scheduler()
        with self.busy(scheduler):
            good, bad, fine = self.queue_up(scheduler, call_of(1), call_of(-1), call_of(3))
        self.assertAllEqual(good.result(LONG).outputs["y"], [2])
        self.assertAllEqual(fine.result(LONG).outputs["y"], [6])
        with self.assertRaisesRegex(InvalidRequest, "must not be negative"):
            bad.result(LONG)

    def test_rows_that_do_not_match_are_left_to_the_graph(self):
        scheduler = self.scheduler()
        odd = Call(ModelReference("m"), {"x": np.zeros(2), "z": np.zeros(3)})
        with self.busy(scheduler):
            futures = self.queue_up(scheduler, odd, call_of(1))
        self.assertAllEqual(futures[0].result(LONG).outputs["y"], [0, 0])
        self.assertAllEqual(futures[1].result(LONG).outputs["y"], [2])

    def test_outputs_without_the_batch_are_an_error(self):
        scheduler = self.scheduler()
        call = call_of(1, 2)
        with self.assertRaisesRegex(ServingError, "output 'y' has shape"):
            scheduler.run("key", lambda inputs: {"y": np.array(1.0)}, call.inputs, call)

    def test_full_queue_refuses_at_once(self):
        scheduler = self.scheduler(max_enqueued_batches=1)
        with self.busy(scheduler):
            self.queue_up(scheduler, call_of(1, 2, 3))
            call = call_of(4, 5)
            with self.assertRaisesRegex(ResourceExhausted, "holds 3 of at most 4 rows"):
                scheduler.run("key", self.runner, call.inputs, call)

    def test_passed_deadline_costs_no_work(self):
        scheduler = self.scheduler()
        call = call_of(7, deadline=time.monotonic() - 1)
        with self.assertRaises(DeadlineExceeded):
            scheduler.run("key", self.runner, call.inputs, call)
        with self.busy(scheduler):
            late = call_of(7, deadline=time.monotonic() + 0.05)
            with self.assertRaises(DeadlineExceeded):
                self.submit(scheduler, late).result(LONG)
            self.assertEqual(scheduler.queued_rows, 0)
        self.assertEqual(self.runner.batches, [[0]])

    def test_cancelled_call_frees_its_place(self):
        scheduler = self.scheduler(max_enqueued_batches=1)
        with self.busy(scheduler):
            gone = call_of(1, 2, 3)
            (waiting,) = self.queue_up(scheduler, gone)
            gone.cancellation.set()
            with self.assertRaises(Cancelled):
                waiting.result(LONG)
            self.assertEqual(scheduler.queued_rows, 0)
            (taken,) = self.queue_up(scheduler, call_of(4, 5, 6))
        self.assertAllEqual(taken.result(LONG).outputs["y"], [8, 10, 12])
        self.assertEqual(self.runner.batches, [[0], [4, 5, 6]])

    def test_a_full_queue_of_one_key_refuses_no_other(self):
        scheduler = self.scheduler(max_enqueued_batches=1)
        with self.busy(scheduler):
            self.queue_up(scheduler, call_of(1, 2, 3, 4))
            other = self.submit(scheduler, call_of(5), key="other")
            self.until_queued(scheduler, 5)
        self.assertAllEqual(other.result(LONG).outputs["y"], [10])

    def test_nothing_of_an_answered_call_stays_with_its_client(self):
        scheduler = self.scheduler(**SPLITTING)
        call = call_of(*range(8))  # in pieces, and so through the queue
        connection, gone = call.cancellation, threading.Event()
        weakref.finalize(call.inputs["x"], gone.set)
        scheduler.run("key", lambda inputs: {"y": np.zeros(len(inputs["x"]))}, call.inputs, call)
        del call
        self.assertTrue(gone.wait(LONG))
        self.assertFalse(connection.is_set)

    def test_client_that_goes_while_its_batch_runs(self):
        scheduler = self.scheduler()
        with self.busy(scheduler):
            gone = call_of(1)
            futures = self.queue_up(scheduler, gone, call_of(2))
            self.runner.gate.set()
            futures[1].result(LONG)
        gone.cancellation.set()  # after the fact: harmless
        self.assertAllEqual(futures[0].result(LONG).outputs["y"], [2])

    # === The end ===

    def test_close_drains_and_refuses(self):
        scheduler = self.scheduler()
        with self.busy(scheduler):
            futures = self.queue_up(scheduler, call_of(1), call_of(2))
            closing = self.pool.submit(scheduler.close)
            deadline = time.monotonic() + LONG
            while time.monotonic() < deadline:
                call = call_of(9, deadline=time.monotonic() + 0.01)
                try:
                    scheduler.run("key", self.runner, call.inputs, call)
                except ServerUnavailable:
                    break
                except DeadlineExceeded:
                    continue
            self.assertFalse(closing.done())
        closing.result(LONG)
        self.assertEqual([future.result(LONG).outputs["y"].tolist() for future in futures], [[2], [4]])

    def test_close_gives_up_after_the_grace(self):
        scheduler = self.scheduler()
        with self.busy(scheduler):
            (waiting,) = self.queue_up(scheduler, call_of(1))
            scheduler.close(grace_seconds=0.01)
            with self.assertRaisesRegex(ServerUnavailable, "shutting down"):
                waiting.result(LONG)

    def test_threads_have_the_name_of_the_pool_and_end(self):
        scheduler = self.scheduler(thread_pool_name="pool_of_the_test")

        def alive():
            return [thread for thread in threading.enumerate() if thread.name.startswith("pool_of_the_test")]

        threads = alive()
        self.assertLen(threads, 1)
        scheduler.close()
        for thread in threads:
            thread.join(LONG)
        self.assertEmpty(alive())

    def test_a_broken_observer_stops_nothing(self):
        scheduler = BatchScheduler(BatchingParameters(), [lambda record: 1 / 0, self.records.append])
        self.addCleanup(scheduler.close)
        call = call_of(1)
        self.assertAllEqual(scheduler.run("key", self.runner, call.inputs, call).outputs["y"], [2])
        self.assertEqual((self.records[0].key, self.records[0].rows), ("key", 1))

    def test_many_callers_each_get_their_own_answer(self):
        scheduler = self.scheduler(
            num_batch_threads=3, max_enqueued_batches=1000, batch_timeout_micros=200, **SPLITTING
        )

        def ask(seed):
            rng = np.random.default_rng(seed)
            for _ in range(30):
                x = rng.integers(-1, 1000, rng.integers(1, 7))
                call = call_of(*x, text_bytes=int(rng.integers(0, 400)))
                if np.any(x < 0):
                    with self.assertRaises(InvalidRequest):
                        scheduler.run("key", self.runner, call.inputs, call)
                else:
                    got = scheduler.run("key", self.runner, call.inputs, call).outputs["y"]
                    np.testing.assert_array_equal(got, 2 * x)

        list(self.pool.map(ask, range(32)))
        self.assertEqual(scheduler.queued_rows, 0)


if __name__ == "__main__":
    tf.test.main()
