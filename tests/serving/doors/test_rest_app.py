"""The REST API, the metrics and the page, called as a WSGI application."""

import json
import types

import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from fake_backend import LABELS, FakeBackend, exit_layer
from werkzeug.test import Client

from fastbert_serving.backend import VersionState
from fastbert_serving.control.control_state import ControlState, Reason
from fastbert_serving.dispatcher import Dispatcher
from fastbert_serving.doors.bearer_token import BearerToken
from fastbert_serving.doors.rest_app import RestApp
from fastbert_serving.errors import (
    Cancelled,
    DeadlineExceeded,
    InvalidRequest,
    ResourceExhausted,
    ServerUnavailable,
    ServingError,
)
from fastbert_serving.limits import Limits

PREDICT = "/v1/models/films:predict"


class RestAppTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.backend = FakeBackend()
        self.dispatcher = Dispatcher(self.backend, Limits(max_rows=10))
        self.client = Client(RestApp(self.dispatcher))

    def post(self, path, content, status=200, **options):
        body = content if isinstance(content, (bytes, str)) else json.dumps(content)
        response = self.client.post(path, data=body, **options)
        self.assertEqual(response.status_code, status, response.text)
        self.assertEqual(response.content_type, "application/json")
        return json.loads(response.text)

    def get(self, path, status=200, **options):
        response = self.client.get(path, **options)
        self.assertEqual(response.status_code, status, response.text)
        return json.loads(response.text)

    # === Predictions ===

    def test_rows(self):
        answer = self.post(PREDICT, {"instances": ["a", "bb"]})
        self.assertLen(answer["predictions"], 2)
        self.assertEqual(
            answer["predictions"][0],
            {
                "probabilities": [0.1, 0.8, 0.1],
                "label": "so-so",
                "label_id": 1,
                "exit_layer": int(exit_layer(0.5)),
                "uncertainty": 0.25,
            },
        )

    def test_columns(self):
        body = {"signature_name": "with_speed", "inputs": {"text": ["a", "bb"], "speed": [0.0, 1.0]}}
        self.assertEqual(self.post(PREDICT, body)["outputs"]["exit_layer"], [4, 1])

    @parameterized.parameters("/v1/models/films/versions/3:predict", "/v1/models/films/labels/stable:predict")
    def test_version_and_label(self, path):
        self.post(path, {"instances": ["a"]})
        model = self.backend.calls[0].model
        self.assertIn((model.version, model.label), [(3, ""), (None, "stable")])

    def test_classify(self):
        body = {"signature_name": "classify", "examples": [{"text": ""}, {"text": {"b64": "YQ=="}}]}
        answer = self.post("/v1/models/films:classify", body)
        self.assertEqual(
            answer,
            {
                "results": [
                    [list(pair) for pair in zip(LABELS, (0.8, 0.1, 0.1), strict=True)],
                    [list(pair) for pair in zip(LABELS, (0.1, 0.8, 0.1), strict=True)],
                ]
            },
        )

    def test_deadline_is_the_timeout(self):
        self.client = Client(RestApp(self.dispatcher, timeout=1e-9))
        self.assertIn("deadline", self.post(PREDICT, {"instances": ["a"]}, 504)["error"])
        self.assertEmpty(self.backend.calls)

    @parameterized.parameters(
        (InvalidRequest, 400),
        (ResourceExhausted, 429),
        (DeadlineExceeded, 504),
        (Cancelled, 499),
        (ServerUnavailable, 503),
        (ServingError, 500),
    )
    def test_errors_of_the_backend(self, error, status):
        self.backend.error = error("the words")
        self.assertEqual(self.post(PREDICT, {"instances": ["a"]}, status), {"error": "the words"})

    def test_bug_says_nothing_of_the_inside(self):
        self.backend.error = ZeroDivisionError("secret path")
        with self.assertLogs("absl", "ERROR"):
            answer = self.post(PREDICT, {"instances": ["a"]}, 500)
        self.assertStartsWith(answer["error"], "internal error")

    @parameterized.parameters(
        ("/v1/models/other:predict", {"instances": ["a"]}, 404, "not found for request: other"),
        ("/v1/models/films/versions/9:predict", {"instances": ["a"]}, 404, "not found"),
        (PREDICT, {"instances": ["a"], "signature_name": "x"}, 400, 'signature name: "x" not found'),
        (PREDICT, {"instances": ["a"], "signature_name": None}, 400, "'signature_name' key must be a string"),
        (PREDICT, {"instances": [1]}, 400, "'text' must be string"),
        (PREDICT, {"instances": [["a"]]}, 400, r"must have shape \[any\], but has \[1, 1\]"),
        (PREDICT, {"inputs": {}}, 400, "'text' is missing"),
        (PREDICT, {"instances": ["a"] * 11}, 400, "at most 10 rows, but has 11"),
        (PREDICT, "[" * 10_000, 400, "nested too deeply"),
        (PREDICT, b"\xff\xff", 400, "no UTF-8"),
        (PREDICT, "", 400, "JSON Parse error"),
        ("/v1/models/films:classify", {}, 400, "'examples' is expected"),
        ("/v1/models/films:classify", {"examples": [{"text": "a"}]}, 400, "one or two output Tensors, found 5"),
        (
            "/v1/models/films:classify",
            {"signature_name": "classify", "examples": [{"t": "a"}]},
            400,
            "'text' of example 0 is missing",
        ),
        ("/v1/models/films:regress", {"examples": [{"text": "a"}]}, 501, "classifiers answer predict and classify"),
        ("/v1/models/films:explain", {}, 400, "Malformed request: POST /v1/models/films:explain"),
        ("/v1/models/films", {}, 400, "Malformed request: POST /v1/models/films"),
        ("/v1/models/films/versions/x:predict", {}, 400, "Malformed request"),
        ("/v1/models/films/versions/-1:predict", {}, 400, "Malformed request"),
        (f"/v1/models/films/versions/{'9' * 30}:predict", {}, 400, "Malformed request"),
        (f"/v1/models/films/versions/{2**63 - 1}:predict", {"instances": ["a"]}, 404, "not found"),
        (f"/v1/models/films/versions/{2**63}:predict", {"instances": ["a"]}, 400, "Malformed request"),
        ("/v1/models/films/versions/%D9%A3:predict", {"instances": ["a"]}, 400, "Malformed request"),  # an Arabic 3
        ("/v1/models/films/versions/3/labels/a:predict", {}, 400, "Malformed request"),
        ("/v1/models/a/../../etc:predict", {}, 400, "Malformed request"),
        ("/v1/models/:predict", {}, 400, "Malformed request"),
        ("/v1/models/%2e%2e%2fetc:predict", {}, 400, "Malformed request"),
        ("/elsewhere", {}, 404, "Malformed request: POST /elsewhere"),
    )
    def test_refuses(self, path, body, status, words):
        self.assertRegex(self.post(path, body, status)["error"], words)

    def test_get_of_a_prediction(self):
        self.assertIn("Malformed request: GET", self.get(PREDICT, 400)["error"])

    def test_request_id(self):
        response = self.client.post(PREDICT, data='{"instances": ["a"]}', headers={"X-Request-Id": "id-7"})
        self.assertEqual(response.headers["x-request-id"], "id-7")
        response = self.client.post(PREDICT, data="{", headers={"X-Request-Id": "id 7"})
        self.assertRegex(response.headers["x-request-id"], "^[0-9a-f]{16}$")

    # === Models ===

    def test_status(self):
        version = {"version": "3", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
        for path in ("/v1/models/films", "/v1/models/films/versions/3", "/v1/models/films/labels/x"):
            self.assertEqual(self.get(path), {"model_version_status": [version]})
        self.backend.state = VersionState.UNLOADING
        self.assertEqual(self.get("/v1/models/films")["model_version_status"][0]["state"], "UNLOADING")
        self.assertIn("any versions of model other", self.get("/v1/models/other", 404)["error"])

    def test_metadata(self):
        answer = self.get("/v1/models/films/versions/3/metadata")
        self.assertEqual(answer["model_spec"], {"name": "films", "signature_name": "", "version": "3"})
        signatures = answer["metadata"]["signature_def"]["signature_def"]
        text = signatures["serving_default"]["inputs"]["text"]
        self.assertEqual(text["dtype"], "DT_STRING")
        self.assertEqual(text["tensor_shape"], {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False})
        self.get("/v1/models/other/metadata", 404)

    def test_names(self):
        self.assertEqual(self.get("/v1/models"), {"models": ["films"]})

    # === State, page and metrics ===

    def test_state(self):
        self.post(PREDICT, {"instances": ["a"]})
        self.backend.error = ResourceExhausted("full")
        self.post(PREDICT, {"instances": ["a"]}, 429)
        answer = self.get("/v1/fastbert/state?model=films")
        self.assertEqual((answer["model"], answer["version"]), ("films", 3))
        self.assertEqual(answer["manifest"]["labels"], list(LABELS))
        self.assertEqual(answer["control"], {"on": False})
        self.assertEqual((answer["load"]["rejected"], answer["load"]["queue_rows"]), (1, 0))
        self.get("/v1/fastbert/state?model=other", 404)
        self.get("/v1/fastbert/state", 404)

    def test_state_of_control_is_strict_json(self):
        """A browser reads neither NaN nor Infinity."""
        state = ControlState(0.7, Reason.LOAD, 12.5, np.inf, 0.01, np.nan, 0.1, 0.5, 0.9)
        self.dispatcher.control = types.SimpleNamespace(states=lambda: {"films": state})
        self.assertEqual(
            self.get("/v1/fastbert/state?model=films")["control"],
            {"on": True, "speed": 0.7, "reason": "load", "arrival_rate": 12.5, "utilisation": None, "p99_ms": None,
             "target_p99_ms": 100.0},
        )  # fmt: skip

    def test_page(self):
        response = self.client.get("/")
        self.assertEqual(response.status_code, 200)
        self.assertEqual(response.mimetype, "text/html")
        policy = response.headers["Content-Security-Policy"]
        self.assertIn("default-src 'none'", policy)
        self.assertRegex(policy, "script-src 'sha256-[^']{44}';")
        self.assertNotIn("unsafe", policy)

    def test_metrics(self):
        self.post(PREDICT, {"instances": ["a"]})
        response = self.client.get("/monitoring/prometheus/metrics")
        self.assertStartsWith(response.content_type, "text/plain; version=0.0.4")
        labels = 'API="Predict",entrypoint="REST",model_name="films"'
        self.assertIn(f":tensorflow:serving:request_latency_count{{{labels}}} 1.0", response.text)
        self.client = Client(RestApp(self.dispatcher, metrics_path="/elsewhere"))
        self.assertEqual(self.client.get("/elsewhere").status_code, 200)
        self.get("/monitoring/prometheus/metrics", 404)
        self.client = Client(RestApp(self.dispatcher, metrics_path=None))
        self.get("/monitoring/prometheus/metrics", 404)

    def test_malformed_bodies_are_counted(self):
        self.post(PREDICT, "{", 400)
        text = self.client.get("/monitoring/prometheus/metrics").text
        self.assertIn('fastbert_rejected_total{cause="invalid",model_name="unknown"} 1.0', text)

    # === Token ===

    def test_token(self):
        self.client = Client(RestApp(self.dispatcher, token=BearerToken("s3cret")))
        for method, path in (
            ("POST", PREDICT),
            ("POST", "/v1/models/films:classify"),
            ("GET", "/v1/models/films"),
            ("GET", "/v1/models/films/metadata"),
            ("GET", "/v1/models"),
            ("GET", "/v1/fastbert/state?model=films"),
            ("GET", "/monitoring/prometheus/metrics"),
        ):
            response = self.client.open(path, method=method, data=b"{")
            self.assertEqual((path, response.status_code), (path, 401))
            self.assertEqual(response.headers["WWW-Authenticate"], "Bearer")
            response = self.client.open(path, method=method, data=b"{", headers={"Authorization": "Bearer s3cret"})
            self.assertEqual((path, response.status_code), (path, 400 if method == "POST" else 200))
        self.assertEqual(self.client.get("/").status_code, 200)  # the page, which asks for the token

    @parameterized.parameters(({"timeout": 0}, "timeout"), ({"metrics_path": "x"}, "metrics path"))
    def test_arguments(self, arguments, words):
        with self.assertRaisesRegex(ValueError, words):
            RestApp(self.dispatcher, **arguments)


if __name__ == "__main__":
    tf.test.main()
