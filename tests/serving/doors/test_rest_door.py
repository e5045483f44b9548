"""The REST port over real sockets: slow and impatient clients, overload, and the end."""

import contextlib
import dataclasses
import gc
import json
import socket
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

import numpy as np
import tensorflow as tf
from fake_backend import FakeBackend

from fastbert_serving.batching import BatchingParameters, BatchScheduler
from fastbert_serving.dispatcher import Dispatcher
from fastbert_serving.doors.rest_app import RestApp
from fastbert_serving.doors.rest_channel import QUICK_THREADS
from fastbert_serving.doors.rest_door import RestDoor
from fastbert_serving.limits import Limits

TIMEOUT = 60
PREDICT = "/v1/models/films:predict"
METRICS = "/monitoring/prometheus/metrics"
BODY = b'{"instances": ["a"]}'


class RestDoorTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.backend = FakeBackend()

    def start(self, **options):
        self.door = RestDoor("127.0.0.1", 0, **options)
        self.dispatcher = Dispatcher(self.backend, Limits(max_rows=10_000))
        self.door.start(RestApp(self.dispatcher))
        self.addCleanup(self.door.stop, 0)
        self.addCleanup(self.backend.gate.set)

    def connection(self):
        connection = HTTPConnection("127.0.0.1", self.door.port, timeout=TIMEOUT)
        self.addCleanup(connection.close)
        return connection

    def ask(self, body=BODY, path=PREDICT, connection=None):
        connection = connection or self.connection()
        connection.request("POST" if body is not None else "GET", path, body)
        response = connection.getresponse()
        return response.status, json.loads(response.read())

    def raw(self, content):
        """Sends bytes over a socket of its own, and returns it."""
        client = socket.create_connection(("127.0.0.1", self.door.port), timeout=TIMEOUT)
        self.addCleanup(client.close)
        client.sendall(content)
        return client

    def answer_to(self, content):
        """Sends bytes, and returns all that comes back; a server may reset a connection whose rest it does not read."""
        client, answer = self.raw(content), b""
        with contextlib.suppress(ConnectionResetError):
            while chunk := client.recv(2**16):
                answer += chunk
        return answer

    def wait_for_calls(self, number):
        while len(self.backend.calls) < number:
            time.sleep(0.01)

    def test_answers_on_one_connection(self):
        self.start()
        connection = self.connection()
        for _ in range(3):
            status, answer = self.ask(connection=connection)
            self.assertEqual((status, len(answer["predictions"])), (200, 1))

    def test_body_in_chunks(self):
        self.start()
        connection = self.connection()
        connection.request("POST", PREDICT, iter([BODY[:5], BODY[5:]]), encode_chunked=True)
        self.assertEqual(connection.getresponse().status, 200)

    def test_what_is_no_http_or_too_large_is_answered_in_json(self):
        self.start(max_message_bytes=1000)
        self.assertEqual(self.ask(BODY + b" " * (1000 - len(BODY)))[0], 200)
        for content, status in (
            (b"POST %b HTTP/1.1\r\nContent-Length: 1001\r\n\r\n" % PREDICT.encode(), 413),
            (b"nonsense\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nContent-Length: many\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nX: %b\r\n\r\n" % (b"a" * 70_000), 431),
            (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        ):
            head, _, body = self.answer_to(content).partition(b"\r\n\r\n")
            self.assertStartsWith(head.decode(), f"HTTP/1.{0 if status in (400, 431) else 1} {status}"[:7])
            self.assertIn(str(status), head.decode().splitlines()[0])
            self.assertIn("error", json.loads(body))

    def test_odd_requests_get_their_own_status(self):
        self.start()
        for line, host, status in (
            (b"GET /v1/models HTTP/1.1", b"\xff\xfe", {200, 400}),
            (b"GET /v1/models HTTP/1.1", b"a..b", {200, 400}),
            (b"GET /v1/models HTTP/1.1", b"x:99999999", {200, 400}),
            (b"GET /v1/models/%ff%fe HTTP/1.1", b"x", {404}),
            (b"GET /v1/models/%00%0a HTTP/1.1", b"x", {404}),
            (b"GET /v1/fastbert/state?model=%ff&model=%e9 HTTP/1.1", b"x", {404}),
            (b"GET /v1/models/films?%ff=%fe HTTP/1.1", b"x", {200}),
            (b"GET http://elsewhere/v1/models HTTP/1.1", b"x", {200}),
            (b"GET //v1//models HTTP/1.1", b"x", {400}),
            (b"GET /../../etc/passwd HTTP/1.1", b"x", {404}),
            (b"OPTIONS * HTTP/1.1", b"x", {404}),
            (b"BREW /v1/models HTTP/1.1", b"x", {400}),
            (b"GET /v1/models HTTP/9.9", b"x", {200}),
        ):
            answer = self.answer_to(line + b"\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n")
            self.assertIn(int(answer.split()[1]), status, (line, host, answer))

    def test_slow_clients_hold_no_thread(self):
        """One thread, many who send slowly, and many who read nothing: others are answered."""
        self.start(max_calls=1)
        head = f"POST {PREDICT} HTTP/1.1\r\nContent-Length: 1000\r\n\r\n".encode()
        for _ in range(20):
            self.raw(head + b'{"inst')
        for _ in range(3):
            self.greedy_client()
        for _ in range(3):
            while self.ask()[0] == 429:  # the one thread may not be done with the one before
                time.sleep(0.01)

    def greedy_client(self):
        """Asks for 1 MB and reads 12 bytes of it."""
        body = json.dumps({"instances": ["a"] * 10_000}).encode()
        request = f"POST {PREDICT} HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        status = b""
        while status != b"HTTP/1.1 200":
            client = socket.socket()
            client.settimeout(TIMEOUT)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", self.door.port))
            self.addCleanup(client.close)
            client.sendall(request)
            status = client.recv(12)

    def test_client_that_sends_many_requests_and_reads_nothing_holds_no_thread(self):
        def app(environ, start_response):
            answer = bytes(2**20 if environ["PATH_INFO"] == "/large" else 0)
            asked.append(environ["PATH_INFO"])
            start_response("200 OK", [("Content-Length", str(len(answer)))])
            return [answer]

        asked = []
        self.door = RestDoor("127.0.0.1", 0)
        self.door.start(app)
        self.addCleanup(self.door.stop, 0)
        large = 40  # answers: more than the sockets hold, and than waitress would keep for a client by itself
        for _ in range(QUICK_THREADS):
            self.raw(b"GET /large HTTP/1.1\r\n\r\n" * large)
        connection = self.connection()
        for _ in range(QUICK_THREADS * large):  # so that each of the others has had its turn as often
            connection.request("GET", "/")
            self.assertEqual(connection.getresponse().read(), b"")
        self.assertLess(asked.count("/large"), QUICK_THREADS * large)

    def test_client_that_takes_its_answers_may_send_many_requests(self):
        self.start()
        answers = self.answer_to(b"GET /v1/models HTTP/1.1\r\n\r\n" * 99 + b"GET /v1/models HTTP/1.0\r\n\r\n")
        self.assertEqual(answers.count(b" 200 OK"), 100)

    def test_questions_that_hang_hold_no_thread_of_others(self):
        self.start(max_calls=1)
        self.backend.gate.clear()
        asked = threading.Semaphore(0)

        def status(model):
            asked.release()
            self.backend.gate.wait()
            return []

        self.backend.status = status
        for _ in range(QUICK_THREADS):
            self.raw(b"GET /v1/models/films HTTP/1.1\r\n\r\n")
            self.assertTrue(asked.acquire(timeout=TIMEOUT))
        self.raw(f"POST {PREDICT} HTTP/1.1\r\nContent-Length: {len(BODY)}\r\n\r\n".encode() + BODY)
        self.wait_for_calls(1)
        self.assertEqual(self.ask()[0], 429)
        for path in ("/", METRICS):
            connection = self.connection()
            connection.request("GET", path)
            self.assertEqual(connection.getresponse().status, 200)

    def test_client_that_goes_cancels_its_call(self):
        self.start()
        self.backend.gate.clear()
        client = self.raw(f"POST {PREDICT} HTTP/1.1\r\nContent-Length: {len(BODY)}\r\n\r\n".encode() + BODY)
        self.assertTrue(self.backend.begun.wait(TIMEOUT))
        self.assertFalse(self.backend.cancelled.is_set())
        client.close()
        self.assertTrue(self.backend.cancelled.wait(TIMEOUT))

    def test_idle_connection_holds_nothing_of_its_last_request(self):
        parameters = BatchingParameters(max_batch_size=2, max_execution_batch_size=1, enable_large_batch_splitting=True)
        scheduler = BatchScheduler(parameters)  # two rows go through the queue, in two pieces
        self.addCleanup(scheduler.close)
        predict, gone = self.backend.predict, threading.Event()

        def run(call):
            weakref.finalize(call.inputs["text"], gone.set)
            scheduler.run("key", lambda inputs: {"y": np.zeros(1)}, call.inputs, call)
            return predict(dataclasses.replace(call, inputs={"text": np.array([b"a"], object)}))

        self.backend.predict = run
        self.start()
        connection = self.connection()
        self.assertEqual(self.ask(b'{"instances": ["a", "b"]}', connection=connection)[0], 200)
        deadline = time.monotonic() + TIMEOUT
        while not gone.wait(0.01):
            gc.collect()
            self.assertLess(time.monotonic(), deadline)
        self.assertEqual(self.ask(None, "/v1/models", connection)[0], 200)  # it is still open

    def test_overload_is_refused_at_once_and_probes_are_still_answered(self):
        self.start(max_calls=2)
        self.backend.gate.clear()
        with ThreadPoolExecutor(2) as pool:
            working = [pool.submit(self.ask) for _ in range(2)]
            self.wait_for_calls(2)
            for _ in range(5):
                status, answer = self.ask()
                self.assertEqual((status, list(answer)), (429, ["error"]))
            counted = 'fastbert_rejected_total{cause="overload",model_name="films"} 5.0'
            self.assertIn(counted, self.dispatcher.metrics.exposition().decode())
            self.assertEqual(self.ask(None, "/v1/models/films")[0], 200)
            self.backend.gate.set()
            self.assertEqual([future.result(TIMEOUT)[0] for future in working], [200, 200])
        while self.ask()[0] == 429:  # the threads are free again
            time.sleep(0.01)

    def test_requests_in_progress_are_answered_before_the_end(self):
        self.start()
        self.backend.gate.clear()
        idle = self.connection()
        self.ask(None, "/v1/models", idle)
        with ThreadPoolExecutor(2) as pool:
            working = pool.submit(self.ask)
            self.wait_for_calls(1)
            stopping = pool.submit(self.door.stop, TIMEOUT)
            while self.accepts():
                time.sleep(0.01)
            self.assertFalse(stopping.done())
            self.backend.gate.set()
            self.assertEqual(working.result(TIMEOUT)[0], 200)
            stopping.result(TIMEOUT)
        with self.assertRaises(OSError):
            self.ask(connection=idle)

    def accepts(self):
        try:
            socket.create_connection(("127.0.0.1", self.door.port), timeout=TIMEOUT).close()
        except OSError:
            return False
        return True

    def test_grace_has_an_end(self):
        self.start()
        self.backend.gate.clear()
        client = self.raw(f"POST {PREDICT} HTTP/1.1\r\nContent-Length: {len(BODY)}\r\n\r\n".encode() + BODY)
        self.wait_for_calls(1)
        self.door.stop(0.1)
        self.assertTrue(self.backend.cancelled.wait(TIMEOUT))
        self.assertEqual(client.recv(1), b"")

    def test_no_thread_is_left(self):
        self.start(max_calls=5)
        self.assertEqual(self.ask()[0], 200)
        self.door.stop()
        while [thread for thread in threading.enumerate() if thread.name.startswith("rest")]:
            time.sleep(0.01)
        self.door.stop()  # harmless

    def test_taken_port(self):
        self.start()
        with self.assertRaisesRegex(ValueError, f"cannot listen on 127.0.0.1:{self.door.port}; give a host"):
            RestDoor("127.0.0.1", self.door.port)
        with self.assertRaisesRegex(ValueError, "cannot listen on 203.0.113.1:0; give a host of this machine"):
            RestDoor("203.0.113.1", 0)

    def test_port_is_taken_before_the_start(self):
        door = RestDoor("127.0.0.1", 0)
        with self.assertRaises(ValueError):
            RestDoor("127.0.0.1", door.port)
        door.stop()


if __name__ == "__main__":
    tf.test.main()
