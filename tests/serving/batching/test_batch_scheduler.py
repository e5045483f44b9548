"""Which calls share a batch, which run apart, and that each gets its own answer."""

import threading

import numpy as np
import tensorflow as tf
from scheduler_case import LONG, SPLITTING, SchedulerCase, call_of

from fastbert_serving.batching import BatchingParameters, BatchScheduler
from fastbert_serving.call import Call, ModelReference
from fastbert_serving.errors import InvalidRequest


class BatchSchedulerTest(SchedulerCase):
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
