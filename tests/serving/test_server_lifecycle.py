"""Starting and stopping: where it listens, what it refuses, and how it ends."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

import tensorflow as tf
from absl.testing import parameterized
from small_classifier import TEXTS, quick_export

from fastbert_serving import Client, InvalidRequest, ModelError, ModelSettings, Server, ServerUnavailable, ServingError
from fastbert_serving.errors import Cancelled
from fastbert_serving.models.graph_threads import GraphThreads
from fastbert_serving.models.servable import Servable

PROGRAM = """
import sys
from fastbert_serving import Server
Server(sys.argv[1]).run()
print("training code:", sorted(name for name in sys.modules if name.split(".")[0] == "fastbert_tf"))
"""


class OtherProcessTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        _, directory = quick_export(num_layers=2, warm_up=("serving_default",))
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(directory)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
        )
        self.addCleanup(self.process.wait)
        self.addCleanup(self.process.kill)
        line = self.process.stdout.readline()
        found = re.fullmatch(r"model fastbert version 3 ready on (127\.0\.0\.1:\d+)\n", line)
        self.assertIsNotNone(found, line)
        self.client = Client(found[1], timeout=60)
        self.addCleanup(self.client.close)

    def test_serves_and_ends_cleanly_on_sigterm(self):
        self.assertEqual(self.client.status(), {3: "AVAILABLE"})
        self.assertLen(self.client.predict(TEXTS), len(TEXTS))
        self.process.send_signal(signal.SIGTERM)
        rest = self.process.communicate(timeout=60)[0]
        self.assertEqual(self.process.returncode, 0)
        self.assertEqual(rest, "training code: []\n")  # the server knows a model by its files alone
        with self.assertRaises(ConnectionError):
            self.client.status(timeout=5)


class LifecycleTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = Path(holder.name) / "model"
        self.folder.mkdir()

    def put_version(self, number, warms_up=False):
        _, directory = quick_export(num_layers=2, warm_up=("serving_default",) if warms_up else ())
        parts = shutil.copytree(directory / "3", self.folder / "parts")
        os.rename(parts, self.folder / str(number))

    def test_highest_number_is_served(self):
        for number in (9, 10):
            self.put_version(number)
        (self.folder / "99-unfinished").mkdir()
        with Server(self.folder, name="m") as server, Client(server.address, "m") as client:
            self.assertEqual(client.status(), {10: "AVAILABLE"})
            with self.assertRaisesRegex(RuntimeError, "runs already"):
                server.start()
        server.stop()  # again: harmless
        with self.assertRaisesRegex(RuntimeError, "does not listen there; start"):
            _ = server.address

    def test_request_in_progress_is_answered_before_the_end(self):
        self.put_version(1)
        begun, stopping = threading.Event(), threading.Event()
        run = Servable.run

        def slow_run(*arguments):
            begun.set()
            stopping.wait(60)
            return run(*arguments)

        server = Server(self.folder, grace_seconds=60).start()
        with (
            mock.patch.object(Servable, "run", slow_run),
            Client(server.address) as client,
            ThreadPoolExecutor(2) as pool,
        ):
            working = pool.submit(client.predict, ["good"])
            begun.wait(60)
            ended = pool.submit(server.stop)
            with self.assertRaises(ServerUnavailable):  # before the request in progress has ended
                while True:
                    with contextlib.suppress(Cancelled):  # sent at the very moment
                        client.status(timeout=60)
            stopping.set()
            self.assertLen(working.result(), 1)
            ended.result()

    def test_end_while_a_version_warms_up(self):
        """The warm-up goes on until the server refuses it, so that it ends only where the end does not wait for it."""
        self.put_version(1)
        begun, order = threading.Event(), []
        warm_up, close = Servable.warm_up, GraphThreads.close

        def endless_warm_up(*arguments):
            begun.set()
            try:
                while True:
                    warm_up(*arguments)
            except ServerUnavailable:
                order.append("warm-up ends")
                raise

        def noted_close(threads):
            order.append("threads close")
            close(threads)

        models = ModelSettings(self.folder, file_system_poll_wait_seconds=0.01)
        with (
            mock.patch.object(Servable, "warm_up", endless_warm_up),
            mock.patch.object(GraphThreads, "close", noted_close),
            self.assertNoLogs(level="ERROR"),
        ):
            server = Server(models, grace_seconds=60).start()
            self.put_version(2, warms_up=True)
            self.assertTrue(begun.wait(60))
            server.stop()
        self.assertEqual(order, ["warm-up ends", "threads close"])

    def test_both_ports(self):
        self.put_version(1)
        with Server(self.folder, rest_api_port=0) as server, Client(server.address) as client:
            url = f"http://{server.rest_address}/v1/models/fastbert:predict"
            body = json.dumps({"instances": list(TEXTS)}).encode()
            rest = json.load(urllib.request.urlopen(url, body, timeout=60))["predictions"]
            self.assertEqual([row["exit_layer"] for row in rest], [row.exit_layer for row in client.predict(TEXTS)])

    def test_several_models_and_batching(self):
        self.put_version(1)
        config = self.folder.parent / "models.config"
        models = (f'config {{ name: "{name}" base_path: "{self.folder}" }}' for name in ("a", "b"))
        config.write_text(f"model_config_list {{ {' '.join(models)} }}")
        with Server(ModelSettings(model_config_file=str(config), enable_batching=True)) as server:
            answers = []
            for name in ("a", "b"):
                with Client(server.address, name) as client:
                    answers.append(client.predict(TEXTS))
        self.assertEqual(*answers)

    def test_listens_on_loopback_alone_by_default(self):
        self.put_version(1)
        with Server(self.folder) as server:
            self.assertStartsWith(server.address, "127.0.0.1:")
            address = socket.gethostbyname(socket.gethostname())
            if not address.startswith("127."):
                with self.assertRaises(ConnectionError):
                    socket.create_connection((address, int(server.address.rpartition(":")[2])), timeout=5)

    def test_taken_port_is_an_error_before_the_model_loads(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            with self.assertRaisesRegex(ValueError, f"cannot listen on 127.0.0.1:{port}; give"):
                Server(self.folder, port=port).start()

    def test_message_size_limit(self):
        self.put_version(1)
        with (
            Server(self.folder, max_message_bytes=10_000) as server,
            Client(server.address) as client,
        ):
            with self.assertRaisesRegex(ServingError, "larger than max") as caught:
                client.predict(["a" * 20_000])
            self.assertEqual(caught.exception.code.name, "RESOURCE_EXHAUSTED")
            self.assertLen(client.predict(["a" * 5_000]), 1)

    def test_row_limit(self):
        self.put_version(1)
        with Server(self.folder, max_rows=3) as server, Client(server.address) as client:
            with self.assertRaises(InvalidRequest) as caught:
                client.predict(["a"] * 4)
            words = "input 'text' must have at most 3 rows, but has 4; send fewer rows a request"
            self.assertEqual(caught.exception.message, words)
            self.assertLen(client.predict(["a"] * 3), 3)

    @parameterized.parameters(
        ({"port": 70_000}, "port must be in"),
        ({"rest_api_port": -1}, "rest_api_port must be in"),
        ({"name": ""}, "model: name must not be empty|name"),
        ({"grpc_max_threads": 0}, "grpc_max_threads must be at least 1"),
        ({"max_message_bytes": 0}, "max_message_bytes must be at least 1"),
        ({"max_rows": 0}, "max_rows must be at least 1"),
        ({"target_p99_ms": float("nan")}, "target_p99_ms must be positive"),
        ({"grace_seconds": -1}, "grace_seconds must not be negative"),
        ({"access_log_text": True}, "access_log_text needs an access_log"),
        ({"token_file": "/nowhere"}, "token file /nowhere cannot be read"),
        ({"ssl_config_file": "/nowhere"}, "/nowhere cannot be read"),
    )
    def test_arguments(self, changes, words):
        with self.assertRaisesRegex(ValueError, words):
            Server(self.folder, **changes).start()

    def test_model_settings(self):
        for settings, words in (
            ({}, "exactly one of them"),
            ({"model_base_path": "a", "model_config_file": "b"}, "exactly one of them"),
            ({"model_base_path": "a", "batching_parameters_file": "b"}, "needs enable_batching"),
            ({"model_base_path": "a", "tensorflow_intra_op_parallelism": -1}, "must be at least 0"),
            ({"model_base_path": "a", "tensorflow_inter_op_parallelism": -2}, "must be at least -1"),
        ):
            with self.assertRaisesRegex(ValueError, words):
                ModelSettings(**settings)

    def test_a_start_that_fails_leaves_the_port_free(self):
        with self.assertRaisesRegex(ModelError, "holds no numbered version"):
            Server(self.folder).start()
        server = Server(self.folder.parent / "nowhere")
        with self.assertRaisesRegex(ModelError, "cannot be read .No such file"):
            server.start()
        self.put_version(1)
        with Server(self.folder) as server:
            port = int(server.address.rpartition(":")[2])
        with Server(self.folder, port=port) as server:
            self.assertEndsWith(server.address, f":{port}")

    @parameterized.parameters("BatchScheduler", "ConfigWatcher")
    def test_a_start_that_fails_late_leaves_no_thread(self, part):
        self.put_version(1)
        config = self.folder.parent / "models.config"
        config.write_text(f'model_config_list {{ config {{ name: "m" base_path: "{self.folder}" }} }}')
        before = set(threading.enumerate())
        models = ModelSettings(model_config_file=str(config), model_config_file_poll_wait_seconds=60)
        with (
            mock.patch(f"fastbert_serving.server.{part}", side_effect=RuntimeError("no more threads")),
            self.assertRaisesRegex(RuntimeError, "no more threads"),
        ):
            Server(models).start()
        for thread in set(threading.enumerate()) - before:
            thread.join(60)
            self.assertFalse(thread.is_alive(), thread.name)


if __name__ == "__main__":
    tf.test.main()
