"""The threads that run graphs: few, the last one first, and nothing lost."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import tensorflow as tf

from fastbert_serving.errors import ServerUnavailable
from fastbert_serving.models.graph_threads import GraphThreads


class GraphThreadsTest(tf.test.TestCase):
    def setUp(self):
        self.threads = GraphThreads(3)
        self.addCleanup(self.threads.close)

    def test_an_idle_server_uses_one_thread(self):
        idents = {self.threads.run(threading.get_ident) for _ in range(20)}
        self.assertLen(idents, 1)
        self.assertNotIn(threading.get_ident(), idents)

    def test_as_many_calls_at_a_time_as_threads(self):
        together = threading.Barrier(3, timeout=30)  # breaks if fewer than three wait at a time
        with ThreadPoolExecutor(9) as clients:
            idents = list(clients.map(lambda _: self.threads.run(_meet, together), range(9)))
        self.assertLen(set(idents), 3)

    def test_warm_up_reaches_every_thread(self):
        seen = []
        self.threads.run_on_each(lambda: seen.append(threading.get_ident()))
        self.assertLen(set(seen), 3)

    def test_a_call_that_fails_raises_there_and_costs_no_thread(self):
        for _ in range(5):
            with self.assertRaisesRegex(ZeroDivisionError, "division"):
                self.threads.run(lambda: 1 // 0)
        self.assertEqual(self.threads.run(sum, [1, 2]), 3)
        with self.assertRaises(ZeroDivisionError):
            self.threads.run_on_each(lambda: 1 // 0)

    def test_warm_up_can_be_refused_while_calls_go_on(self):
        self.threads.refuse_warm_up()
        with self.assertRaisesRegex(ServerUnavailable, "stopping"):
            self.threads.run_on_each(sum, [1])
        self.assertEqual(self.threads.run(sum, [1, 2]), 3)

    def test_calls_before_the_end_are_answered_and_later_ones_refused(self):
        may_end = threading.Event()
        with ThreadPoolExecutor(3) as clients:
            begun = [clients.submit(self.threads.run, may_end.wait, 30) for _ in range(3)]
            while self.threads._idle.qsize():
                time.sleep(0.001)
            self.threads.close()
            may_end.set()
            self.assertEqual([future.result() for future in begun], [True] * 3)
        with self.assertRaisesRegex(ServerUnavailable, "stopping"):
            self.threads.run(sum, [1])


def _meet(barrier):
    barrier.wait()
    return threading.get_ident()


if __name__ == "__main__":
    tf.test.main()
