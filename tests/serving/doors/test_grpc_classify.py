"""Classify at the gRPC port."""

import tensorflow as tf
from absl.testing import parameterized
from fake_backend import LABELS, FakeBackend, signature_def
from grpc_door_case import TIMEOUT, Code, GrpcDoorCase, classification_request
from tensorflow_serving.apis import regression_pb2

from fastbert_serving.dispatcher import Dispatcher


class GrpcClassifyTest(GrpcDoorCase, parameterized.TestCase):
    def test_classify(self):
        self.start()
        response = self.prediction.Classify(classification_request(b"", b"a"), timeout=TIMEOUT)
        rows = response.result.classifications
        self.assertEqual([[c.label for c in row.classes] for row in rows], [list(LABELS)] * 2)
        self.assertAllClose([[c.score for c in row.classes] for row in rows], [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]])
        self.assertEqual(response.model_spec.signature_name, "classify")
        self.assertEqual(self.backend.calls[0].signature, "serving_default")  # where load control steers

    def test_classify_with_context(self):
        self.backend = FakeBackend(is_pair=True)
        self.dispatcher = Dispatcher(self.backend)
        self.start()
        request = classification_request()
        shared = request.input.example_list_with_context
        shared.context.features.feature["text"].bytes_list.value.append(b"shared")
        for pair, text in ((b"one", None), (b"two", b"own")):
            features = shared.examples.add().features.feature
            features["text_pair"].bytes_list.value.append(pair)
            if text:
                features["text"].bytes_list.value.append(text)
        self.prediction.Classify(request, timeout=TIMEOUT)
        inputs = self.backend.calls[0].inputs
        self.assertEqual({name: array.tolist() for name, array in inputs.items()},
                         {"text": [b"shared", b"own"], "text_pair": [b"one", b"two"]})  # fmt: skip

    def test_classify_with_a_context_that_grows(self):
        self.start()
        request = classification_request(signature="classify")
        shared = request.input.example_list_with_context
        shared.context.features.feature["text"].bytes_list.value.append(b"x" * 20_000)
        for _ in range(2000):
            shared.examples.add()
        self.assert_status(Code.INVALID_ARGUMENT, "2000 examples share", self.prediction.Classify, request)

    def test_more_rows_than_the_limit(self):
        self.start()
        request = classification_request(*[b"a"] * (self.dispatcher.limits.max_rows + 1), signature="classify")
        self.assert_status(
            Code.INVALID_ARGUMENT, "'inputs' must have at most 1024 rows", self.prediction.Classify, request
        )
        self.assertEmpty(self.backend.calls)

    def test_classify_of_a_model_that_is_not_ours(self):
        self.backend = FakeBackend(has_manifest=False)
        self.dispatcher = Dispatcher(self.backend)
        self.start()
        request = classification_request(b"a")
        response = self.prediction.Classify(request, timeout=TIMEOUT)
        (row,) = response.result.classifications
        self.assertEqual([c.label for c in row.classes], ["x", "y", "z"])
        sent = self.backend.calls[0].inputs["inputs"]
        self.assertEqual(sent.tolist(), [request.input.example_list.examples[0].SerializeToString()])

    @parameterized.parameters(True, False)
    def test_signatures_that_take_no_examples(self, is_ours):
        """No name means `serving_default`; the words are TensorFlow Serving's."""
        self.backend = FakeBackend(has_manifest=is_ours)
        self.backend.served["films"].signature_defs["labels"] = signature_def(
            {"text": ("string", -1)}, {"label": ("string", -1)}
        )
        self.dispatcher = Dispatcher(self.backend)
        self.start()
        for signature, words in (
            ("", "^Expected one or two output Tensors, found 5; name the signature 'classify'"),
            ("serving_default", "^Expected one or two output Tensors, found 5"),
            ("with_speed", "^Expected one input Tensor, found 2"),
            ("labels", "^Expected classification signature outputs to be classes and scores"),
            ("made up", "^No signature was found with the name: made up"),
        ):
            request = classification_request(b"a", signature=signature)
            self.assert_status(Code.INVALID_ARGUMENT, words, self.prediction.Classify, request)
        self.assertEmpty(self.backend.calls)

    def test_classify_refuses(self):
        self.start()
        for request, words in (
            (classification_request(), "Input is empty"),
            (classification_request(b"a", feature="texts"), "'text' of example 0 is missing"),
        ):
            self.assert_status(Code.INVALID_ARGUMENT, words, self.prediction.Classify, request)
        request = classification_request(b"a", b"b")
        request.input.example_list.examples[1].features.feature["text"].bytes_list.value.append(b"more")
        words = "'text' of example 1 must be one string, but holds 2"
        self.assert_status(Code.INVALID_ARGUMENT, words, self.prediction.Classify, request)
        request.input.example_list.examples[1].features.feature["text"].float_list.value.append(1)
        self.assert_status(Code.INVALID_ARGUMENT, "but holds 0", self.prediction.Classify, request)

    def test_regress_is_unimplemented(self):
        self.start()
        self.assert_status(Code.UNIMPLEMENTED, "", self.prediction.Regress, regression_pb2.RegressionRequest())


if __name__ == "__main__":
    tf.test.main()
