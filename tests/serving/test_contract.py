"""What every server of an export must do: this package's own, the gateway in front of it, and a stock one.

TF_SERVING_ADDRESS names the gRPC address of a running TensorFlow Serving that serves any export of this package for
single texts, TF_SERVING_REST_ADDRESS that of its REST port, and TF_SERVING_MODEL its model name (default: fastbert).
"""

from __future__ import annotations

import json
import os
import unittest
import urllib.error
import urllib.request

import grpc
import numpy as np
import tensorflow as tf
from small_classifier import TEXTS, quick_export
from tensorflow_serving.apis import classification_pb2, predict_pb2, prediction_service_pb2_grpc

from fastbert_serving import (
    Client,
    Gateway,
    InvalidRequest,
    ModelSettings,
    Server,
    ServingError,
    UnknownModel,
    UnknownSignature,
)

SPEEDS = np.linspace(0, 1, len(TEXTS)).astype(np.float32)
NO_CLASSIFICATION = "Expected one or two output Tensors, found 5"


class Contract:
    """The tests; a subclass says where the server is."""

    @classmethod
    def serve(cls):
        """Returns (gRPC address, REST address or None, model name); what it starts is ended by class cleanups."""
        raise NotImplementedError

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.address, cls.rest_address, cls.name = cls.serve()
        cls.client = Client(cls.address, cls.name, timeout=120)
        cls.addClassCleanup(cls.client.close)

    def test_is_available_and_describes_itself(self):
        self.assertIn("AVAILABLE", self.client.status().values())
        signatures = self.client.metadata()
        self.assertContainsSubset(["serving_default", "with_speed", "tokenized", "classify"], signatures)
        for alias, rule in signatures["with_speed"].inputs.items():
            self.assertEqual(rule.shape, (None,), alias)

    def test_answers_are_distributions(self):
        for speed in (None, 0.0, 0.5, 1.0):
            for answer in self.client.predict(TEXTS, speed=speed):
                self.assertAllClose(sum(answer.probabilities), 1)
                self.assertEqual(answer.label_id, int(np.argmax(answer.probabilities)))
                p = np.clip(answer.probabilities, 1e-30, 1)
                self.assertAllClose(answer.uncertainty, -np.sum(p * np.log(p)) / np.log(len(p)), atol=1e-5)
                self.assertGreaterEqual(answer.exit_layer, 1)

    def test_a_higher_speed_never_answers_later(self):
        layers = [[row.exit_layer for row in self.client.predict(TEXTS, speed=speed)] for speed in (0.0, 0.3, 0.6, 1.0)]
        for slower, faster in zip(layers, layers[1:], strict=False):
            self.assertTrue(all(a >= b for a, b in zip(slower, faster, strict=True)))
        self.assertLen(set(layers[0]), 1, "at speed 0 every row goes through all layers")

    def test_an_answer_does_not_depend_on_its_neighbours(self):
        together = self.client.predict(TEXTS, speed=SPEEDS)
        for answer, text, speed in zip(together, TEXTS, SPEEDS, strict=True):
            alone = self.client.predict([text], speed=float(speed))[0]
            self.assertEqual(alone.exit_layer, answer.exit_layer)
            self.assertAllClose(alone.probabilities, answer.probabilities, atol=1e-5)

    def test_odd_texts(self):
        odd = ["", "\x00", b"\xff\xfe", "\U0001f600" * 5, "word " * 20_000]
        self.assertLen(self.client.predict(odd), len(odd))

    def test_a_speed_out_of_range_is_an_invalid_argument(self):
        for speed in (-0.1, 1.1, float("nan")):
            with self.assertRaisesRegex(InvalidRequest, r"speed must be in \[0, 1\], but row 1 holds"):
                self.client.predict(["a", "b"], speed=[0.5, speed])

    def test_unknown_model_and_signature(self):
        with Client(self.address, "nobody", timeout=60) as client, self.assertRaises(UnknownModel):
            client.predict(["a"])
        with grpc.insecure_channel(self.address) as channel:
            request = predict_pb2.PredictRequest()
            request.model_spec.name, request.model_spec.signature_name = self.name, "nothing"
            request.inputs["text"].CopyFrom(tf.make_tensor_proto([b"a"]))
            with self.assertRaises(grpc.RpcError) as caught:
                prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request, timeout=60)
        self.assertEqual(caught.exception.code(), UnknownSignature.code)

    def test_wrong_type_is_an_invalid_argument(self):
        with grpc.insecure_channel(self.address) as channel:
            request = predict_pb2.PredictRequest()
            request.model_spec.name = self.name
            request.inputs["text"].CopyFrom(tf.make_tensor_proto([1.5]))
            with self.assertRaises(grpc.RpcError) as caught:
                prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request, timeout=60)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)

    # === Classify ===

    def classify(self, texts, signature):
        request = classification_pb2.ClassificationRequest()
        request.model_spec.name, request.model_spec.signature_name = self.name, signature
        for text in texts:
            features = request.input.example_list.examples.add().features
            features.feature["text"].bytes_list.value.append(text.encode())
        with grpc.insecure_channel(self.address) as channel:
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            return stub.Classify(request, timeout=120).result.classifications

    def test_classify_gives_every_class_its_probability(self):
        rows = self.classify(TEXTS, "classify")
        for row, answer in zip(rows, self.client.predict(TEXTS), strict=True):
            self.assertAllClose([one.score for one in row.classes], answer.probabilities, atol=1e-5)
            self.assertEqual(row.classes[answer.label_id].label, answer.label)

    def test_classify_needs_a_signature_that_takes_examples(self):
        with self.assertRaises(grpc.RpcError) as caught:
            self.classify(["good"], "")
        self.assertEqual(caught.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
        self.assertIn(NO_CLASSIFICATION, caught.exception.details())

    # === REST ===

    def rest(self, path="", content=None):
        """Returns (HTTP status, JSON) of a `POST` of content, or of a `GET`."""
        if self.rest_address is None:
            self.skipTest("TF_SERVING_REST_ADDRESS names no REST port of that server: nothing to compare")
        body = None if content is None else json.dumps(content).encode()
        try:
            url = f"http://{self.rest_address}/v1/models/{self.name}{path}"
            with urllib.request.urlopen(url, body, timeout=120) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def test_rest_rows(self):
        status, answer = self.rest(":predict", {"instances": list(TEXTS)})
        self.assertEqual(status, 200, answer)
        for row, same in zip(answer["predictions"], self.client.predict(TEXTS), strict=True):
            self.assertCountEqual(row, ["probabilities", "label", "label_id", "exit_layer", "uncertainty"])
            self.assertAllClose(row["probabilities"], same.probabilities, atol=1e-5)
            self.assertAllClose(row["uncertainty"], same.uncertainty, atol=1e-5)
            self.assertEqual([row[name] for name in ("label", "label_id", "exit_layer")],
                             [same.label, same.label_id, same.exit_layer])  # fmt: skip

    def test_rest_columns(self):
        inputs = {"text": [{"b64": "Z29vZA=="}, "bad"], "speed": [0, 1]}
        status, answer = self.rest(":predict", {"signature_name": "with_speed", "inputs": inputs})
        self.assertEqual(status, 200, answer)
        same = self.client.predict(["good", "bad"], speed=[0, 1])
        self.assertEqual(answer["outputs"]["label"], [row.label for row in same])
        self.assertEqual(answer["outputs"]["exit_layer"], [row.exit_layer for row in same])
        self.assertAllClose(answer["outputs"]["probabilities"], [row.probabilities for row in same], atol=1e-5)

    def test_rest_classify(self):
        body = {"signature_name": "classify", "examples": [{"text": text} for text in TEXTS]}
        status, answer = self.rest(":classify", body)
        self.assertEqual(status, 200, answer)
        for row, same in zip(answer["results"], self.classify(TEXTS, "classify"), strict=True):
            self.assertEqual([label for label, _ in row], [one.label for one in same.classes])
            self.assertAllClose([score for _, score in row], [one.score for one in same.classes], atol=1e-5)
        status, answer = self.rest(":classify", {"examples": [{"text": "good"}]})
        self.assertEqual((status, list(answer)), (400, ["error"]))
        self.assertIn(NO_CLASSIFICATION, answer["error"])

    def test_rest_tells_of_the_model(self):
        status, answer = self.rest()
        self.assertEqual(status, 200, answer)
        self.assertIn("AVAILABLE", [version["state"] for version in answer["model_version_status"]])
        status, answer = self.rest("/metadata")
        self.assertEqual((status, answer["model_spec"]["name"]), (200, self.name))
        signature = answer["metadata"]["signature_def"]["signature_def"]["with_speed"]
        self.assertEqual({alias: tensor["dtype"] for alias, tensor in signature["inputs"].items()},
                         {"text": "DT_STRING", "speed": "DT_FLOAT"})  # fmt: skip

    def test_rest_errors(self):
        for path, content, wanted in (
            (":predict", {"instances": [1]}, 400),
            (":predict", {"signature_name": "nothing", "instances": ["a"]}, 400),
            (":predict", {"signature_name": "with_speed", "instances": [{"text": "a", "speed": 2}]}, 400),
            ("/versions/999999:predict", {"instances": ["a"]}, 404),
        ):
            status, answer = self.rest(path, content)
            self.assertEqual((status, list(answer)), (wanted, ["error"]), content)

    def test_deadline(self):
        with self.assertRaises(ServingError) as caught:
            self.client.predict(["good " * 50_000] * 16, timeout=0.001)
        self.assertEqual(caught.exception.code, grpc.StatusCode.DEADLINE_EXCEEDED)


class EmbeddedServerTest(Contract, tf.test.TestCase):
    @classmethod
    def serve(cls):
        server = Server(ModelSettings(quick_export()[1], enable_batching=True), rest_api_port=0).start()
        cls.addClassCleanup(server.stop)
        return server.address, server.rest_address, "fastbert"


class GatewayTest(Contract, tf.test.TestCase):
    @classmethod
    def serve(cls):
        directory = quick_export()[1]
        server = Server(directory).start()
        cls.addClassCleanup(server.stop)
        gateway = Gateway(server.address, "fastbert", directory, rest_api_port=0).start()
        cls.addClassCleanup(gateway.stop)
        return gateway.address, gateway.rest_address, "fastbert"


@unittest.skipUnless(
    os.environ.get("TF_SERVING_ADDRESS"), "TF_SERVING_ADDRESS names no running TensorFlow Serving: nothing to compare"
)
class StockServerTest(Contract, tf.test.TestCase):
    @classmethod
    def serve(cls):
        name = os.environ.get("TF_SERVING_MODEL", "fastbert")
        return os.environ["TF_SERVING_ADDRESS"], os.environ.get("TF_SERVING_REST_ADDRESS") or None, name


if __name__ == "__main__":
    tf.test.main()
