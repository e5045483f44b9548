"""The seeded short form of `benchmarks/fuzz.py`, and its rules against cases judged by hand."""

import random
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from harness.fuzz_contract import Contract
from harness.fuzz_grpc import GrpcCases
from harness.fuzz_rest import RestCases
from harness.fuzz_rest_contract import RestContract
from harness.fuzz_wire import WireCases
from harness.fuzzing import contract_of, fuzz, logged_failures
from small_classifier import small_export
from tensorflow_serving.apis import predict_pb2

REQUESTS = 1500
CONTRACT = Contract("fastbert", 3, 79, 2, 24, max_rows=4, max_text_bytes=50, max_message_bytes=1000)


def request(signature="with_speed", name="fastbert", version=None, label=None, output_filter=(), **inputs):
    message = predict_pb2.PredictRequest(output_filter=output_filter)
    message.model_spec.name, message.model_spec.signature_name = name, signature
    if version is not None:
        message.model_spec.version.value = version
    if label is not None:
        message.model_spec.version_label = label
    for alias, value in inputs.items():
        message.inputs[alias].CopyFrom(tf.make_tensor_proto(value))
    return message.SerializeToString()


TEXT, SPEED = np.array([b"good", b"bad"], object), np.array([0.5, 1], np.float32)


class RulesTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(
        ({"text": TEXT, "speed": SPEED}, {"OK"}),
        ({"text": TEXT, "speed": SPEED, "version": 3}, {"OK"}),
        ({"text": TEXT, "speed": SPEED, "version": 4}, {"NOT_FOUND"}),
        ({"text": TEXT, "speed": SPEED, "label": "stable"}, {"INVALID_ARGUMENT"}),
        ({"text": TEXT, "speed": SPEED, "name": "x"}, {"NOT_FOUND"}),
        ({"text": TEXT, "speed": SPEED, "name": ""}, {"INVALID_ARGUMENT"}),
        ({"text": TEXT}, {"INVALID_ARGUMENT"}),
        ({"text": TEXT, "speed": SPEED.astype(np.float64)}, {"INVALID_ARGUMENT"}),
        ({"text": TEXT, "speed": SPEED[:1]}, {"INVALID_ARGUMENT"}),
        ({"text": TEXT, "speed": np.array([0.5, np.nan], np.float32)}, {"INVALID_ARGUMENT"}),
        ({"text": TEXT[:, None], "speed": SPEED}, {"INVALID_ARGUMENT"}),
        ({"text": np.array([b"a" * 51], object), "speed": SPEED[:1]}, {"INVALID_ARGUMENT"}),
        ({"text": np.full(5, b"a", object), "speed": np.full(5, 0.5, np.float32)}, {"INVALID_ARGUMENT"}),
        ({"text": TEXT, "speed": SPEED, "output_filter": ["label", "label"]}, {"INVALID_ARGUMENT"}),
        ({"text": TEXT, "speed": SPEED[:1], "name": "x"}, {"INVALID_ARGUMENT", "NOT_FOUND"}),
        ({"text": TEXT, "signature": "x"}, {"FAILED_PRECONDITION", "INVALID_ARGUMENT"}),
        ({"text": TEXT, "signature": ""}, {"OK"}),
    )
    def test_predict(self, arguments, expected):
        self.assertEqual(CONTRACT.predict(request(**arguments)).expected, expected)

    def test_bytes_that_are_no_request(self):
        self.assertEqual(CONTRACT.predict(b"\xff\xff").expected, {"INTERNAL", "INVALID_ARGUMENT"})

    @parameterized.parameters(
        ("POST", ":predict", b'{"instances": ["good"]}', {"200"}),
        ("POST", "/versions/3:predict", b'{"inputs": {"text": ["good"]}}', {"200"}),
        ("POST", "/versions/4:predict", b'{"instances": ["good"]}', {"404"}),
        ("POST", "/labels/x:predict", b'{"instances": ["good"]}', {"400"}),
        ("POST", ":predict", b'{"instances": ["good"]', {"400"}),
        ("POST", ":predict", b'{"instances": ["good", 1]}', {"400"}),
        ("POST", ":predict", b'{"instances": [{"b64": "Z29vZA=="}]}', {"200"}),
        ("POST", ":predict", b'{"instances": [{"b64": "!"}]}', {"400"}),
        ("POST", ":predict", b"[" * 100_000, {"413"}),
        ("POST", ":predict", b"[" * 900, {"400"}),
        ("POST", ":predict", b'{"signature_name": "with_speed", "instances": [{"text": "a", "speed": NaN}]}', {"400"}),
        ("POST", ":predict", b'{"signature_name": "with_speed", "instances": [{"text": "a", "speed": 1}]}', {"200"}),
        ("POST", ":classify", b'{"signature_name": "classify", "examples": [{"text": "good"}]}', {"200"}),
        ("POST", ":classify", b'{"examples": [{"text": "good"}]}', {"400"}),
        ("POST", ":classify", b'{"examples": []}', {"400"}),
        ("GET", "", b"", {"200"}),
        ("GET", "/metadata", b"", {"200"}),
        ("PUT", ":predict", b"{}", {"400", "404", "405"}),
    )
    def test_rest(self, method, path, body, expected):
        self.assertEqual(RestContract(CONTRACT).expected(method, f"/v1/models/fastbert{path}", body), expected)

    def test_cases_repeat_and_differ(self):
        for cases in (GrpcCases(CONTRACT), RestCases(RestContract(CONTRACT)), WireCases()):
            made = [[cases.make(random.Random(f"{seed}:{index}")) for index in range(300)] for seed in (0, 0, 1)]
            self.assertEqual(repr(made[0]), repr(made[1]))
            self.assertNotEqual(repr(made[0]), repr(made[2]))
            self.assertGreater(len({case.expected for case in made[0]}), 3)

    def test_tracebacks_are_found(self):
        log = Path(self.get_temp_dir()) / "log"
        log.write_text(
            "a\nTraceback (most recent call last):\n  x\nException deserializing message!\nTraceback (most recent"
        )
        self.assertEqual(logged_failures(log), {"a": 1})


class FuzzTest(tf.test.TestCase):
    def test_server_survives_malformed_requests(self):
        _, export = small_export()
        self.assertEqual(contract_of(export).version, 3)
        with tempfile.TemporaryDirectory() as folder:
            found = fuzz(export, REQUESTS, 20, Path(folder) / "server.log", max_growth_mebibytes=96)
        self.assertEqual(found["failures"], [])
        self.assertEqual(found["problems"], [])
        self.assertEqual(found["requests"], REQUESTS)
        self.assertGreater(found["proper_requests_in_between"], 10)
        self.assertGreater(found["statuses"]["INVALID_ARGUMENT"], 100)
        self.assertGreater(found["statuses"]["400"], 100)
        self.assertGreater(found["statuses"]["OK"] + found["statuses"]["200"], 100)


if __name__ == "__main__":
    tf.test.main()
