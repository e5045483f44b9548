"""Starting and stopping: what is loaded, where it listens, and how it ends."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

import tensorflow as tf
from absl.testing import parameterized
from small_classifier import TEXTS, small_export

from fastbert_serving import (
    Client,
    InvalidRequest,
    Manifest,
    ManifestError,
    ModelError,
    Server,
    ServerUnavailable,
    ServingError,
    prediction_service,
    warmup,
)

PROGRAM = """
import sys
from fastbert_serving import Server
Server(sys.argv[1]).run()
print("training code:", sorted(name for name in sys.modules if name.split(".")[0] == "fastbert_tf"))
"""


class OtherProcessTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        _, directory = small_export(num_layers=2)
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

    def put_version(self, number, warm_up=False):
        path = Path(shutil.copytree(small_export(num_layers=2)[1] / "3", self.folder / str(number)))
        if not warm_up:
            (path / warmup.WARMUP_PATH).unlink()  # to start faster
        return path

    def test_highest_number_is_served(self):
        for number in (9, 10):
            self.put_version(number)
        (self.folder / "99-unfinished").mkdir()
        with Server(self.folder, name="m") as server, Client(server.address, "m") as client:
            self.assertEqual(client.status(), {10: "AVAILABLE"})
            self.assertEqual(server.version, 10)
            with self.assertRaisesRegex(RuntimeError, "runs already"):
                server.start()
        server.stop()  # again: harmless

    def test_request_in_progress_is_answered_before_the_end(self):
        self.put_version(1)
        begun = threading.Event()
        answer = prediction_service.answer

        def slow_answer(*arguments):
            begun.set()
            time.sleep(0.5)
            return answer(*arguments)

        server = Server(self.folder).start()
        with (
            mock.patch.object(prediction_service, "answer", slow_answer),
            Client(server.address) as client,
            ThreadPoolExecutor(1) as pool,
        ):
            working = pool.submit(client.predict, ["good"])
            begun.wait()
            server.stop(grace=60)
            self.assertLen(working.result(), 1)
            with self.assertRaises(ServerUnavailable):
                client.predict(["late"])

    def test_listens_on_loopback_alone_by_default(self):
        self.put_version(1)
        with Server(self.folder) as server:
            self.assertStartsWith(server.address, "127.0.0.1:")
            address = socket.gethostbyname(socket.gethostname())
            if not address.startswith("127."):
                with self.assertRaises(ConnectionError):
                    socket.create_connection((address, server.port), timeout=5)

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
        self.assertEqual(Server(self.folder).max_rows, 1024)

    @parameterized.parameters(
        ({"port": 70_000}, "port must be in"),
        ({"name": ""}, "name must not be empty"),
        ({"threads": 0}, "threads must be at least 1"),
        ({"max_message_bytes": 0}, "max_message_bytes must be at least 1"),
        ({"max_rows": 0}, "max_rows must be at least 1"),
    )
    def test_arguments(self, changes, words):
        with self.assertRaisesRegex(ValueError, words):
            Server(self.folder, **changes)

    def test_directory_without_a_version(self):
        with self.assertRaisesRegex(ModelError, "holds no numbered version; export a model"):
            Server(self.folder).start()
        with self.assertRaisesRegex(ModelError, "cannot be read .No such file"):
            Server(self.folder / "nowhere").start()
        with self.assertRaisesRegex(ModelError, "holds no numbered version; give its parent"):
            Server(small_export(num_layers=2)[1] / "3").start()

    def test_broken_version(self):
        path = self.put_version(1)
        (path / "saved_model.pb").write_bytes(b"not a graph")
        self.assert_one_line(ModelError, f"model {path} cannot be loaded")
        (path / "saved_model.pb").unlink()
        self.assert_one_line(ModelError, f"model {path} cannot be loaded")

    def test_truncated_weights(self):
        path = self.put_version(1)
        weights = next(path.glob("variables/*.data*"))
        weights.write_bytes(weights.read_bytes()[:100])
        self.assert_one_line(ModelError, f"model {path} cannot be loaded")

    def test_manifest_is_validated(self):
        path = self.put_version(1) / "assets.extra" / "manifest.json"
        path.write_text(path.read_text().replace('"num_layers": 2', '"num_layers": 0'))
        self.assert_one_line(ManifestError, f"manifest {path}: num_layers")
        path.unlink()
        self.assert_one_line(ManifestError, f"manifest {path} cannot be read")

    def test_manifest_of_another_model(self):
        path = self.put_version(1)
        values = Manifest.read(path).to_dict()
        Manifest.from_dict({**values, "labels": ["yes", "no"]}).write(path)
        self.assert_one_line(ModelError, "2 labels, but the graph answers 3 classes")

    def test_warm_up_records_are_replayed(self):
        path = self.put_version(1, warm_up=True) / "assets.extra" / "tf_serving_warmup_requests"
        calls = []
        answer = warmup.answer
        with mock.patch.object(warmup, "answer", lambda *a: calls.append(a[1].model_spec.signature_name) or answer(*a)):
            Server(self.folder).start().stop()
        self.assertEqual(set(calls), {"serving_default", "with_speed", "tokenized", "classify"})
        self.assertLen(calls, len(list(tf.data.TFRecordDataset(str(path)))))
        with mock.patch.object(warmup, "MAX_RECORDS", 3):
            self.assert_one_line(ModelError, "more than 3 records")
        path.write_bytes(path.read_bytes()[:-5])
        self.assert_one_line(ModelError, f"warm-up file {path}")

    def assert_one_line(self, error, words):
        with self.assertRaisesRegex(error, re.escape(words)) as caught:
            Server(self.folder).start()
        self.assertLen(str(caught.exception).splitlines(), 1)


if __name__ == "__main__":
    tf.test.main()
