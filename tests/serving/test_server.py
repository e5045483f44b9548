"""The server through a real client over a real socket."""

import socket
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from small_classifier import LABELS, TEXTS, eager_loop, quick_export, small_tokenizer
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from fastbert_serving import Client, InvalidRequest, Server, ServerUnavailable, UnknownModel

SPEEDS = np.linspace(0, 1, len(TEXTS)).astype(np.float32)


def predict_request(inputs=None, name="fastbert", signature="", version=None, label="", output_filter=()):
    """A raw Predict request; inputs are arrays or protos."""
    request = predict_pb2.PredictRequest(output_filter=output_filter)
    request.model_spec.name = name
    request.model_spec.signature_name = signature
    if version is not None:
        request.model_spec.version.value = version
    if label:
        request.model_spec.version_label = label
    for alias, value in (inputs or {}).items():
        request.inputs[alias].CopyFrom(tf.make_tensor_proto(value))
    return request


class ServerTest(tf.test.TestCase, parameterized.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.model, cls.directory = quick_export()
        cls.server = Server(cls.directory).start()
        cls.client = Client(cls.server.address)
        cls.channel = grpc.insecure_channel(cls.server.address)
        cls.prediction = prediction_service_pb2_grpc.PredictionServiceStub(cls.channel)
        cls.status = model_service_pb2_grpc.ModelServiceStub(cls.channel)

    @classmethod
    def tearDownClass(cls):
        cls.channel.close()
        cls.client.close()
        cls.server.stop()
        super().tearDownClass()

    def assert_status(self, code, words, method, request):
        with self.assertRaises(grpc.RpcError) as caught:
            method(request, timeout=30)
        self.assertEqual(caught.exception.code(), code, caught.exception.details())
        self.assertRegex(caught.exception.details(), words)
        self.assertLen(caught.exception.details().splitlines(), 1)

    # === Answers ===

    def test_answers_equal_the_eager_exit_loop(self):
        tokens = small_tokenizer()(list(TEXTS))
        for speed, speeds in ((None, np.full(len(TEXTS), 0.5, np.float32)), (SPEEDS, SPEEDS), (0.7, None)):
            speeds = np.full(len(TEXTS), speed, np.float32) if speeds is None else speeds
            want = eager_loop(self.model)(tokens, tf.constant(speeds))
            got = self.client.predict(TEXTS, speed=speed)
            self.assertAllEqual([row.exit_layer for row in got], want["exit_layer"])
            self.assertAllClose([row.probabilities for row in got], want["probabilities"], atol=1e-6)
            self.assertAllClose([row.uncertainty for row in got], want["uncertainty"], atol=1e-6)
            self.assertAllEqual([row.label_id for row in got], np.argmax(want["probabilities"], -1))
            self.assertEqual([row.label for row in got], [LABELS[row.label_id] for row in got])

    def test_answer_does_not_depend_on_batch_neighbours(self):
        together = self.client.predict(TEXTS, speed=SPEEDS)
        self.assertGreater(len({row.exit_layer for row in together}), 2)
        reverse = self.client.predict(TEXTS[::-1], speed=SPEEDS[::-1])[::-1]
        alone = [self.client.predict([text], speed=[s])[0] for text, s in zip(TEXTS, SPEEDS, strict=True)]
        for other in (reverse, alone):
            self.assertEqual([row.exit_layer for row in other], [row.exit_layer for row in together])
            self.assertAllClose(
                [row.probabilities for row in other], [row.probabilities for row in together], atol=1e-5
            )

    def test_odd_texts_get_proper_answers(self):
        odd = [
            "",
            " \n\t",
            "😀😀🎉",
            b"\xff\xfe\x80",
            b"good \xc3",
            "\x00",
            "a" * 2**20,
            "good bad " * 120_000,
            "\ud800",
        ]
        for speed in (None, 0.0, 1.0):
            for row in self.client.predict(odd, speed=speed):
                self.assertAllClose(sum(row.probabilities), 1)
                self.assertBetween(row.exit_layer, 1, 4)
                self.assertBetween(row.uncertainty, 0, 1)
        self.assertEqual(self.client.predict([b"\xff\xfe\x80"]), self.client.predict([""]))

    def test_no_texts(self):
        self.assertEqual(self.client.predict([]), [])

    def test_concurrent_clients(self):
        want = self.client.predict(TEXTS, speed=SPEEDS)

        def ask(seed):
            rows = np.random.default_rng(seed).permutation(len(TEXTS))[:4]
            with Client(self.server.address) as client:
                for _ in range(5):
                    got = client.predict([TEXTS[row] for row in rows], speed=SPEEDS[rows])
            return list(zip(rows, got, strict=True))

        with ThreadPoolExecutor(12) as pool:
            answers = [pair for pairs in pool.map(ask, range(12)) for pair in pairs]
        self.assertLen(answers, 48)
        for row, got in answers:
            self.assertEqual(got.exit_layer, want[row].exit_layer)
            self.assertAllClose(got.probabilities, want[row].probabilities, atol=1e-5)

    def test_pair_task(self):
        model, directory = quick_export(is_pair=True)
        pairs = TEXTS[::-1]
        want = eager_loop(model)(small_tokenizer()(list(TEXTS), list(pairs)), tf.constant(SPEEDS))
        with Server(directory, name="pairs") as server, Client(server.address, "pairs") as client:
            got = client.predict(TEXTS, pairs, speed=SPEEDS)
            self.assertAllEqual([row.exit_layer for row in got], want["exit_layer"])
            self.assertAllClose([row.probabilities for row in got], want["probabilities"], atol=1e-6)
            with self.assertRaisesRegex(InvalidRequest, "input 'text_pair' is missing"):
                client.predict(TEXTS)
            with self.assertRaisesRegex(InvalidRequest, "same number of rows, but text has 2, text_pair has 1"):
                client.predict(["a", "b"], ["c"])

    # === Requests that break a rule ===

    @parameterized.parameters(
        ({"name": "other"}, grpc.StatusCode.NOT_FOUND, r"Servable not found for request: Latest\(other\)"),
        ({"version": 9}, grpc.StatusCode.NOT_FOUND, r"Servable not found for request: Specific\(fastbert, 9\)"),
        ({"name": ""}, grpc.StatusCode.INVALID_ARGUMENT, "ModelSpec has no name"),
        ({"label": "stable"}, grpc.StatusCode.INVALID_ARGUMENT, "Unrecognized servable version label: stable"),
        ({"signature": "none"}, grpc.StatusCode.FAILED_PRECONDITION, 'signature key "none" not found.*with_speed'),
        ({"signature": "__saved_model_init_op"}, grpc.StatusCode.FAILED_PRECONDITION, "not found"),
        ({"output_filter": ["nope"]}, grpc.StatusCode.INVALID_ARGUMENT, "'nope' of output_filter is unknown"),
        ({"output_filter": ["label", "label"]}, grpc.StatusCode.INVALID_ARGUMENT, "names an output twice"),
        ({"inputs": {}}, grpc.StatusCode.INVALID_ARGUMENT, "input 'text' is missing; .* takes text"),
        ({"inputs": {"text": ["a"], "x": 1}}, grpc.StatusCode.INVALID_ARGUMENT, "input 'x' is unknown"),
        ({"inputs": {"text": [1.5]}}, grpc.StatusCode.INVALID_ARGUMENT, "'text' must be string, but is float32"),
        ({"inputs": {"text": "a"}}, grpc.StatusCode.INVALID_ARGUMENT, r"'text' must have shape \[any\], but has \[\]"),
        ({"inputs": {"text": [["a"]]}}, grpc.StatusCode.INVALID_ARGUMENT, r"but has \[1, 1\]"),
        (
            {"signature": "with_speed", "inputs": {"text": ["a"], "speed": [float("nan")]}},
            grpc.StatusCode.INVALID_ARGUMENT,
            r"^speed must be in \[0, 1\], but row 0 holds nan$",
        ),
        (
            {"signature": "classify", "inputs": {"inputs": [b"\xff\xfe garbage"]}},
            grpc.StatusCode.INVALID_ARGUMENT,
            "Could not parse example",
        ),
    )
    def test_predict_refuses(self, changes, code, words):
        request = predict_request(**{"inputs": {"text": ["good"]}, **changes})
        self.assert_status(code, words, self.prediction.Predict, request)

    def test_malformed_tensor_names_its_input(self):
        request = predict_request({"text": ["a"]})
        request.inputs["text"].tensor_shape.dim[0].size = 10**12
        words = "input 'text' has shape .* but 1 values"
        self.assert_status(grpc.StatusCode.INVALID_ARGUMENT, words, self.prediction.Predict, request)

    def test_request_without_a_model(self):
        for method, request in (
            (self.prediction.Predict, predict_pb2.PredictRequest()),
            (self.prediction.GetModelMetadata, get_model_metadata_pb2.GetModelMetadataRequest()),
            (self.status.GetModelStatus, get_model_status_pb2.GetModelStatusRequest()),
        ):
            self.assert_status(grpc.StatusCode.INVALID_ARGUMENT, "Missing ModelSpec", method, request)

    def test_other_calls_are_unimplemented(self):
        with self.assertRaises(grpc.RpcError) as caught:
            self.prediction.Regress(regression_pb2.RegressionRequest(), timeout=30)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.UNIMPLEMENTED)

    def test_server_answers_after_bad_requests(self):
        for _ in range(3):
            with self.assertRaises(InvalidRequest):
                self.client.predict(["a"], speed=2)
        self.assertLen(self.client.predict(["a"]), 1)

    # === What a response carries ===

    def test_response_names_model_version_and_signature(self):
        spec = self.prediction.Predict(predict_request({"text": ["good"]}, version=3), timeout=30).model_spec
        self.assertEqual((spec.name, spec.version.value, spec.signature_name), ("fastbert", 3, "serving_default"))

    def test_output_filter(self):
        request = predict_request({"text": ["good"]}, output_filter=["label", "exit_layer"])
        self.assertCountEqual(self.prediction.Predict(request, timeout=30).outputs, ["label", "exit_layer"])
        everything = self.prediction.Predict(predict_request({"text": ["good"]}), timeout=30).outputs
        self.assertCountEqual(everything, ["label", "label_id", "probabilities", "exit_layer", "uncertainty"])

    def test_classify_signature(self):
        feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"good"]))
        example = tf.train.Example(features=tf.train.Features(feature={"text": feature})).SerializeToString()
        request = predict_request({"inputs": np.array([example], object)}, signature="classify")
        outputs = self.prediction.Predict(request, timeout=30).outputs
        self.assertAllEqual(tf.make_ndarray(outputs["classes"]), [[label.encode() for label in LABELS]])
        want = self.client.predict(["good"])[0].probabilities
        self.assertAllClose(tf.make_ndarray(outputs["scores"]), [want], atol=1e-6)

    # === Metadata and status ===

    def test_metadata_is_the_signature_map_of_the_file(self):
        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        request.model_spec.name = "fastbert"
        response = self.prediction.GetModelMetadata(request, timeout=30)
        self.assertEqual((response.model_spec.name, response.model_spec.version.value), ("fastbert", 3))
        got = get_model_metadata_pb2.SignatureDefMap()
        self.assertTrue(response.metadata["signature_def"].Unpack(got))
        content = saved_model_pb2.SavedModel.FromString((self.directory / "3" / "saved_model.pb").read_bytes())
        self.assertEqual(dict(got.signature_def), dict(content.meta_graphs[0].signature_def))
        with_speed = self.client.metadata()["with_speed"]
        self.assertEqual(
            {n: (r.dtype, r.shape) for n, r in with_speed.inputs.items()},
            {"speed": ("float32", (None,)), "text": ("string", (None,))},
        )
        self.assertEqual(with_speed.outputs["probabilities"].shape, (None, 3))

    @parameterized.parameters(([], "at least one field"), (["weights"], "Metadata field weights is not supported"))
    def test_metadata_refuses(self, fields, words):
        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=fields)
        request.model_spec.name = "fastbert"
        self.assert_status(grpc.StatusCode.INVALID_ARGUMENT, words, self.prediction.GetModelMetadata, request)

    def test_status(self):
        self.assertEqual(self.client.status(), {3: "AVAILABLE"})
        for name, version, words in (("other", None, "any versions of model other"), ("fastbert", 4, "version 4")):
            request = get_model_status_pb2.GetModelStatusRequest()
            request.model_spec.name = name
            if version:
                request.model_spec.version.value = version
            self.assert_status(grpc.StatusCode.NOT_FOUND, words, self.status.GetModelStatus, request)

    # === Client ===

    def test_client_raises_what_the_server_says(self):
        with Client(self.server.address, model="other") as client, self.assertRaisesRegex(UnknownModel, "other"):
            client.predict(["a"])
        with self.assertRaisesRegex(ValueError, r"^speed must be in \[0, 1\], but row 1 holds -1$"):
            self.client.predict(["a", "b"], speed=[0, -1])
        with self.assertRaisesRegex(InvalidRequest, "text has 1, speed has 2"):
            self.client.predict(["a"], speed=[0, 1])

    def test_client_gives_up_at_its_deadline(self):
        with self.assertRaises(TimeoutError):
            self.client.predict(["good " * 100_000] * 8, timeout=0.001)

    def test_client_without_a_server(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{free.getsockname()[1]}"
        with Client(address) as client, self.assertRaisesRegex(ServerUnavailable, f"no server answers at {address}"):
            client.status()

    @parameterized.parameters("localhost", ":8500", "host:port", "")
    def test_client_refuses_address(self, address):
        with self.assertRaisesRegex(ValueError, "address must be host:port"):
            Client(address)

    def test_client_refuses_what_is_no_list_of_texts(self):
        with self.assertRaisesRegex(ValueError, "texts must be a list"):
            self.client.predict("good")
        with self.assertRaisesRegex(ValueError, "row 1 is int"):
            self.client.predict(["good", 1])


if __name__ == "__main__":
    tf.test.main()
