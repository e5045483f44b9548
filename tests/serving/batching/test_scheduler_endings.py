"""Calls that are refused, late, cancelled or wrong, and the scheduler's own end."""

import threading
import time
import weakref

import numpy as np
import tensorflow as tf
from scheduler_case import LONG, SPLITTING, SchedulerCase, call_of

from fastbert_serving.call import Call, ModelReference
from fastbert_serving.errors import (
    Cancelled,
    DeadlineExceeded,
    InvalidRequest,
    ResourceExhausted,
    ServerUnavailable,
    ServingError,
)


class EndingsTest(SchedulerCase):
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


class CloseTest(SchedulerCase):
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


if __name__ == "__main__":
    tf.test.main()
