"""How a server ends, over a backend that the test controls."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import tensorflow as tf
from fake_backend import FakeBackend
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from fastbert_serving.front import Front, OpenedBackend
from fastbert_serving.front_settings import FrontSettings

TIMEOUT = 120
PROGRAM = """
import threading
from fake_backend import FakeBackend
from fastbert_serving.batching import BatchScheduler
from fastbert_serving.front import Front, OpenedBackend
from fastbert_serving.front_settings import FrontSettings

def never_end(inputs):
    print("begun", flush=True)
    threading.Event().wait()

class HangingFront(Front):
    def _open(self, metrics):
        backend, scheduler = FakeBackend(), BatchScheduler()
        backend.predict = lambda call: scheduler.run("key", never_end, call.inputs, call)
        return OpenedBackend(backend, None, [scheduler.close])

    def _ready_line(self):
        return "fake"

HangingFront(FrontSettings(grace_seconds=1, rest_api_port=0)).run()
"""
SLOW_START = """
import sys
from fake_backend import FakeBackend
from fastbert_serving.front import Front, OpenedBackend
from fastbert_serving.front_settings import FrontSettings

class SlowFront(Front):
    def _open(self, metrics):
        print("opening", flush=True)
        sys.stdin.readline()
        return OpenedBackend(FakeBackend(), None, [lambda seconds: print("closed", flush=True)])

    def _ready_line(self):
        return "fake"

SlowFront(FrontSettings()).run()
"""
DEPLOYMENT = Path(__file__).resolve().parents[2] / "docs" / "deployment.md"
ROUND_ROBIN = '{"loadBalancingConfig": [{"round_robin": {}}]}'


def documented_service_config():
    """The JSON block of docs/deployment.md."""
    return re.search(r"^```json\n(.*?)^```", DEPLOYMENT.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)[1]


def predict_request(text):
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "films"
    request.inputs["text"].CopyFrom(tf.make_tensor_proto(np.array([text], object)))
    return request


class IdleFront(Front):
    """Remembers how long its closers may take; the text `slow` is answered when `proceed` is set."""

    def __init__(self, closers, **settings):
        super().__init__(FrontSettings(**settings))
        self.closers = closers
        self.backend = FakeBackend()
        self.begun, self.proceed = threading.Event(), threading.Event()

    def _open(self, metrics):
        predict = self.backend.predict

        def hold_slow(call):
            if call.inputs["text"][0] == b"slow":
                self.begun.set()
                self.proceed.wait(TIMEOUT)
            return predict(call)

        self.backend.predict = hold_slow
        return OpenedBackend(self.backend, None, self.closers)

    def _ready_line(self):
        return "idle"


class TwoServersTest(tf.test.TestCase):
    """One of two servers leaves, while a slow request is in progress there."""

    def setUp(self):
        super().setUp()
        self.leaving, self.staying = (IdleFront([], grace_seconds=10 * TIMEOUT) for _ in range(2))
        for front in (self.leaving, self.staying):
            self.addCleanup(front.stop)
            self.addCleanup(front.proceed.set)
            front.start()
        self.pool = self.enter_context(ThreadPoolExecutor(4))
        self.working = self.predict(self.leaving.address).future(predict_request(b"slow"), timeout=TIMEOUT)
        self.assertTrue(self.leaving.begun.wait(TIMEOUT))

    def predict(self, address, service_config=ROUND_ROBIN):
        options = [("grpc.service_config", service_config), ("grpc.use_local_subchannel_pool", 1)]
        channel = self.enter_context(grpc.insecure_channel(address, options))
        return prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict

    def predict_of_both(self, service_config=ROUND_ROBIN):
        """Returns the method when both servers have answered."""
        predict = self.predict(f"ipv4:{self.leaving.address},{self.staying.address}", service_config)
        deadline = time.monotonic() + TIMEOUT
        while not (self.leaving.backend.calls and self.staying.backend.calls):
            predict(predict_request(b"a"), timeout=TIMEOUT)
            self.assertLess(time.monotonic(), deadline)
        return predict

    def assert_the_slow_one_is_answered(self, stopping):
        self.assertFalse(self.working.done())
        self.leaving.proceed.set()
        self.assertLen(self.working.result().outputs, 5)
        stopping.result(TIMEOUT)

    def test_clients_turn_to_the_other_at_once(self):
        predict = self.predict_of_both()
        stopping = self.pool.submit(self.leaving.stop)
        elsewhere, deadline = 0, time.monotonic() + TIMEOUT
        while elsewhere < 20:  # in a row
            before = len(self.leaving.backend.calls)
            try:
                predict(predict_request(b"a"), timeout=TIMEOUT)
                elsewhere = elsewhere + 1 if len(self.leaving.backend.calls) == before else 0
            except grpc.RpcError:
                elsewhere = 0
            self.assertLess(time.monotonic(), deadline)
        self.assert_the_slow_one_is_answered(stopping)

    def test_no_request_fails_with_the_documented_retries(self):
        predict, enough = self.predict_of_both(documented_service_config()), threading.Event()

        def ask():
            while not enough.is_set():
                predict(predict_request(b"a"), timeout=TIMEOUT)

        asking = [self.pool.submit(ask) for _ in range(3)]
        stopping = self.pool.submit(self.leaving.stop)
        self.assert_the_slow_one_is_answered(stopping)
        enough.set()
        for future in asking:
            future.result(TIMEOUT)


class FrontTest(tf.test.TestCase):
    def test_closers_share_the_grace_time(self):
        given = []
        pause = threading.Event()

        def close(seconds):
            given.append(seconds)
            pause.wait(0.01)  # the time that it takes must be gone for the next

        front = IdleFront([close, close, close], grace_seconds=50.0)
        for _ in range(2):  # a second life has a grace time of its own
            front.start().stop()
        for life in (given[:3], given[3:]):
            self.assertBetween(life[0], 0.0, 50.0)
            self.assertLess(life[1], life[0])
            self.assertLess(life[2], life[1])
        self.assertGreater(given[3], given[2] - 50.0 / 2)

    def test_closers_get_nothing_where_there_is_no_grace(self):
        given = []
        IdleFront([given.append], grace_seconds=0.0).start().stop()
        self.assertEqual(given, [0.0])

    def run_program(self, program):
        process = subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])},
        )
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def test_sigterm_while_it_starts(self):
        process = self.run_program(SLOW_START)
        self.assertEqual(process.stdout.readline(), "opening\n")
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate("go on\n", TIMEOUT)
        self.assertEqual(process.returncode, 0, err)
        self.assertEndsWith(out, "closed\n")

    def test_a_model_that_never_answers_does_not_hold_up_the_end(self):
        process = self.run_program(PROGRAM)
        address = process.stdout.readline().split("ready on ")[1].split(",")[0]
        with grpc.insecure_channel(address) as channel:
            predict = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict
            waiting = predict.future(predict_request(b"a"))
            self.assertEqual(process.stdout.readline(), "begun\n")
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(TIMEOUT), 0)
            self.assertIsNotNone(waiting.exception(TIMEOUT))
        self.assertIn("the grace time is over", process.stderr.read())


if __name__ == "__main__":
    tf.test.main()
