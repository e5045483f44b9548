"""The gateway's backend against a small server over a real socket, and against the embedded one."""

import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

import grpc
import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from fake_backend import LABELS, manifest, signature_defs
from small_classifier import TEXTS, quick_export
from stock_server import LONG, StockServer
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from fastbert_serving import Client, Server
from fastbert_serving.backend import VersionState
from fastbert_serving.call import Call, ModelReference
from fastbert_serving.dispatcher import Dispatcher
from fastbert_serving.errors import (
    Cancelled,
    DeadlineExceeded,
    InvalidRequest,
    ResourceExhausted,
    ServerUnavailable,
    ServingError,
    UnknownModel,
    UnknownSignature,
)
from fastbert_serving.gateway import upstream_backend, upstream_models
from fastbert_serving.gateway.upstream_backend import UpstreamBackend
from fastbert_serving.manifest import ManifestError

FILMS = ModelReference("films")


def call_of(*texts, model=FILMS, **settings):
    inputs = {"text": np.array(texts, object), **settings.pop("inputs", {})}
    return Call(model, inputs, **settings)


class UpstreamBackendTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.stock = StockServer()
        self.addCleanup(lambda: self.stock.server.stop(None).wait())
        self.addCleanup(self.stock.gate.set)
        self.addCleanup(self.stock.metadata_gate.set)
        self.backend = self.connect()

    def connect(self, models=None, **settings):
        backend = UpstreamBackend(self.stock.address, models or {"films": None}, **settings)
        self.addCleanup(backend.close)
        return backend

    def folder(self, *versions):
        """A model directory with manifests alone."""
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        for version in versions:
            (Path(holder.name) / version).mkdir()
            manifest().write(Path(holder.name) / version)
        return Path(holder.name)

    # === Calls ===

    def test_passes_a_call_on(self):
        call = call_of(
            b"a", b"b", signature="with_speed", inputs={"speed": np.float32([0, 1])}, output_filter=["label_id"]
        )
        result = self.backend.predict(call)
        self.assertEqual((result.model, result.version, result.signature), ("films", 3, "with_speed"))
        self.assertAllEqual(result.outputs["label_id"], [0, 1])
        self.assertGreater(result.run_seconds, 0)
        (sent,) = self.stock.requests
        self.assertEqual((sent.model_spec.name, sent.model_spec.signature_name), ("films", "with_speed"))
        self.assertFalse(sent.model_spec.HasField("version"))
        self.assertEqual(list(sent.output_filter), ["label_id"])
        self.assertAllEqual(tf.make_ndarray(sent.inputs["text"]), [b"a", b"b"])
        self.assertAllEqual(tf.make_ndarray(sent.inputs["speed"]), [0, 1])

    def test_version_and_label_are_passed_on(self):
        self.backend.predict(call_of(b"a", model=ModelReference("films", 3)))
        self.backend.predict(call_of(b"a", model=ModelReference("films", label="stable")))
        first, second = (request.model_spec for request in self.stock.requests)
        self.assertEqual((first.version.value, second.version_label), (3, "stable"))

    @parameterized.parameters(
        ({"signature": "none"}, UnknownSignature, 'key "none" not found; the model has classify, serving_default'),
        ({"inputs": {"x": np.zeros(1)}}, InvalidRequest, "input 'x' is unknown"),
        ({"output_filter": ["nope"]}, InvalidRequest, "'nope' of output_filter is unknown"),
        (
            {"signature": "with_speed", "inputs": {"speed": np.float32([np.nan])}},
            InvalidRequest,
            r"^speed must be in \[0, 1\], but row 0 holds nan$",
        ),
        (
            {"signature": "with_speed", "inputs": {"speed": np.float32([0, 1])}},
            InvalidRequest,
            "same number of rows, but text has 1, speed has 2",
        ),
    )
    def test_refuses_before_sending(self, settings, error, words):
        backend = self.connect({"films": self.folder("3")})
        with self.assertRaisesRegex(error, words):
            backend.predict(call_of(b"a", **settings))
        self.assertEmpty(self.stock.requests)

    def test_values_for_a_model_without_a_manifest_are_its_own_business(self):
        call = call_of(b"a", signature="with_speed", inputs={"speed": np.float32([9])})
        self.assertEqual(self.backend.predict(call).version, 3)

    def test_broken_examples_are_refused_where_the_manifest_tells_the_features(self):
        backend = self.connect({"films": self.folder("3")})
        call = Call(FILMS, {"inputs": np.array([b"\xff garbage"], object)}, signature="classify")
        with self.assertRaisesRegex(InvalidRequest, "no tf.Example"):
            backend.predict(call)

    def test_deadline_is_passed_on(self):
        self.backend.predict(call_of(b"a", deadline=time.monotonic() + 40))
        self.assertBetween(self.stock.deadlines[0], 10, 40)
        self.stock.gate.clear()
        with self.assertRaises(DeadlineExceeded):
            self.backend.predict(call_of(b"a", deadline=time.monotonic() + 0.1))
        with self.assertRaises(DeadlineExceeded):
            self.backend.predict(call_of(b"a", deadline=time.monotonic() - 1))
        self.assertLen(self.stock.requests, 2)  # the last was not sent
        self.assertEqual(self.backend.rows_in_flight, 0)

    def test_cancellation_is_passed_on(self):
        self.stock.gate.clear()
        call = call_of(b"a")
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(self.backend.predict, call)
            self.assertTrue(self.stock.entered.acquire(timeout=LONG))
            call.cancellation.set()
            with self.assertRaises(Cancelled):
                waiting.result(LONG)
            self.assertTrue(self.stock.left.wait(LONG))
        self.assertEqual(self.backend.rows_in_flight, 0)

    def test_bound_on_rows_in_flight(self):
        backend = self.connect(max_rows_in_flight=3)
        self.stock.gate.clear()
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(backend.predict, call_of(b"a", b"b"))
            self.assertTrue(self.stock.entered.acquire(timeout=LONG))
            self.assertEqual(backend.rows_in_flight, 2)
            with self.assertRaisesRegex(ResourceExhausted, "2 of at most 3 rows are under way, with no place for 2"):
                backend.predict(call_of(b"c", b"d"))
            self.stock.gate.set()
            waiting.result(LONG)
        self.assertAllEqual(backend.predict(call_of(*[b"x"] * 5)).outputs["label_id"], range(5))

    @parameterized.parameters(
        (
            grpc.StatusCode.INVALID_ARGUMENT,
            "assertion failed: [speed is bad] [[{{node x}}]]",
            InvalidRequest,
            "speed is",
        ),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "too large", ResourceExhausted, "too large"),
        (
            grpc.StatusCode.UNAVAILABLE,
            "The batch scheduling queue to which this task was submitted is full",
            ResourceExhausted,
            "queue .* is full",
        ),
        (grpc.StatusCode.UNAVAILABLE, "going down", ServerUnavailable, "^the server behind does not answer; send"),
        (grpc.StatusCode.INTERNAL, "oops", ServingError, "oops"),
        (
            grpc.StatusCode.NOT_FOUND,
            "/models/films/3/vocab.txt; No such file",
            UnknownModel,
            "^the server behind has f",
        ),
        (grpc.StatusCode.INTERNAL, "peer ipv4:10.0.0.7:8500 reset", ServingError, "^the server behind has failed"),
    )
    def test_errors_of_the_server_behind(self, code, words, error, want):
        self.stock.error = (code, words)
        with self.assertRaisesRegex(error, want):
            self.backend.predict(call_of(b"a"))

    def test_server_that_is_not_there(self):
        self.stock.server.stop(None).wait()
        with mock.patch.object(upstream_backend, "log_words") as log, self.assertRaises(ServerUnavailable) as caught:
            self.backend.predict(call_of(b"a"))
        self.assertEqual(caught.exception.message, "the server behind does not answer; send the request again later")
        self.assertIn(self.stock.address, log.call_args.args[0])

    # === Models ===

    def test_describe_asks_once_and_again_when_the_version_changes(self):
        for _ in range(3):
            self.assertEqual(self.backend.describe(FILMS).version, 3)
        self.assertLessEqual(self.stock.metadata_requests, 1 + self.age())
        self.assertCountEqual(self.backend.describe(FILMS).signature_defs, signature_defs())
        self.stock.version = 4
        self.assertEqual(self.backend.predict(call_of(b"a")).version, 4)
        self.assertEqual(self.backend.describe(FILMS).version, 4)

    def age(self):
        """How often a slow test may have asked again."""
        return int((time.monotonic() - self.backend._models._known[FILMS].asked) / upstream_models.FRESH_SECONDS) + 1

    def test_question_that_hangs_ends_with_the_deadline_of_the_call(self):
        self.stock.metadata_gate.clear()
        dispatcher = Dispatcher(self.backend)
        with self.assertRaises(DeadlineExceeded), dispatcher.exchange("Predict", "GRPC") as exchange:
            dispatcher.predict(call_of(b"a", deadline=time.monotonic() + 0.5), exchange)
        call = call_of(b"a")
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(self.backend.describe, FILMS, call)
            call.cancellation.set()
            with self.assertRaises(Cancelled):
                waiting.result(LONG)

    def test_question_that_hangs_ends_by_itself(self):
        self.stock.metadata_gate.clear()
        with mock.patch.object(upstream_backend, "_QUESTION_SECONDS", 0.1), self.assertRaises(ServerUnavailable):
            self.backend.describe(FILMS)

    def test_unknown_model(self):
        other = ModelReference("other")
        for ask in (lambda: self.backend.describe(other), lambda: self.backend.predict(call_of(b"a", model=other))):
            with self.assertRaisesRegex(UnknownModel, "other"):
                ask()

    def test_names_status_and_reload(self):
        self.assertEqual(list(self.backend.names()), ["films"])
        ready, broken, lost = self.backend.status(FILMS)
        self.assertEqual((ready.version, ready.state, ready.error_code), (3, VersionState.AVAILABLE, 0))
        self.assertEqual((broken.state, broken.error_code, broken.error_message), (VersionState.END, 3, "no model"))
        self.assertEqual(
            (lost.error_code, lost.error_message), (5, "the version has failed; the servers' logs say why")
        )
        config = ModelServerConfig()
        config.model_config_list.config.add(name="films", base_path="/models/films")
        self.backend.reload(config)
        self.assertEqual(self.stock.config, config)
        with self.assertRaisesRegex(InvalidRequest, "no models"):
            self.backend.reload(ModelServerConfig())

    # === Manifests ===

    def test_manifest_of_the_version(self):
        folder = self.folder("3", "4")
        for path in (folder, folder / "3", folder / "3" / "assets.extra" / "manifest.json"):
            self.assertEqual(self.connect({"films": path}).describe(FILMS).manifest, manifest())
        self.assertIsNone(self.backend.describe(FILMS).manifest)

    def test_manifest_that_is_missing_or_does_not_fit_is_a_warning(self):
        with self.assertLogs("absl", "WARNING"):
            self.assertIsNone(self.connect({"films": self.folder("9")}).describe(FILMS).manifest)
        self.assertNotEqual(len(LABELS), 2)
        folder = self.folder("3")
        path = folder / "3" / "assets.extra" / "manifest.json"
        path.write_text(path.read_text().replace('"so-so",', ""))
        self.assertIsNone(self.connect({"films": folder}).describe(FILMS).manifest)

    def test_path_without_a_manifest_is_refused_at_once(self):
        for path in ("/nowhere", self.folder()):
            with self.assertRaisesRegex(ManifestError, "no manifest.json, no version directory and no model directory"):
                self.connect({"films": path})


class EmbeddedServerTest(tf.test.TestCase):
    def test_answers_are_those_of_the_server_behind(self):
        _, directory = quick_export()
        with Server(directory) as server, Client(server.address) as client:
            backend = UpstreamBackend(server.address, {"fastbert": directory})
            self.addCleanup(backend.close)
            speeds = np.linspace(0, 1, len(TEXTS)).astype(np.float32)
            texts = np.array([text.encode() for text in TEXTS], object)
            call = Call(ModelReference("fastbert"), {"text": texts, "speed": speeds}, signature="with_speed")
            result = backend.predict(call)
            want = client.predict(TEXTS, speed=speeds)
            self.assertAllEqual(result.outputs["exit_layer"], [row.exit_layer for row in want])
            self.assertAllClose(result.outputs["probabilities"], [row.probabilities for row in want])
            self.assertEqual(backend.describe(ModelReference("fastbert")).manifest.num_layers, 4)
            self.assertEqual([one.state.name for one in backend.status(ModelReference("fastbert"))], ["AVAILABLE"])


if __name__ == "__main__":
    tf.test.main()
