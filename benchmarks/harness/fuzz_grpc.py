"""Odd calls on the gRPC port."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.tensor_shape_pb2 import TensorShapeProto
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    predict_pb2,
)

from harness.fuzz_case import GrpcCase
from harness.fuzz_contract import EXHAUSTED, OUTPUTS, SIGNATURES, Contract
from harness.fuzz_mutations import MUTATIONS, Request, change_version, put
from harness.fuzz_values import GOOD_SPEEDS, NAMES, damaged, odd_text

PREDICTION, MODEL = "/tensorflow.serving.PredictionService/", "/tensorflow.serving.ModelService/"
UNKNOWN_METHODS = (
    f"{PREDICTION}Regress", f"{PREDICTION}MultiInference", f"{PREDICTION}predict", f"{PREDICTION}", "/",
    "/tensorflow.serving.SessionService/SessionRun", "/x.Y/Z", f"/{'a' * 500}/b", "/../../etc/passwd",
)  # fmt: skip


class GrpcCases:
    """Makes calls of every kind.

    Args:
        contract: judges them.
    """

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self._judges: dict[str, Callable] = {
            f"{PREDICTION}Predict": contract.predict,
            f"{PREDICTION}Classify": contract.classify,
            f"{PREDICTION}GetModelMetadata": contract.metadata,
            f"{MODEL}GetModelStatus": contract.status,
        }
        self._makers = (
            [(self._mutated, 10), (self._damaged, 4), (self._noise, 3), (self._tokens, 2), (self._classify, 2)]
            + [(self._questions, 2), (self._unknown_method, 1), (self._transport, 2), (self._too_large, 0.2)]
            + [(self._rank, 0.2)]
        )  # fmt: skip

    def make(self, rng: random.Random) -> GrpcCase:
        """Draws a call."""
        makers, weights = zip(*self._makers, strict=True)
        return rng.choices(makers, weights)[0](rng)

    def valid(self, rng: random.Random, signature: str | None = None) -> Request:
        """Returns a request that deserves an answer."""
        signature = signature or rng.choice(list(SIGNATURES))
        request = predict_pb2.PredictRequest()
        request.model_spec.name = self.contract.name
        request.model_spec.signature_name = signature
        if rng.random() < 0.3:
            request.model_spec.version.value = self.contract.version
        rows = rng.randint(1, 4)
        texts = np.array([odd_text(rng) for _ in range(rows)], object)
        speeds = np.array([rng.choice(GOOD_SPEEDS) for _ in range(rows)], np.float32)
        if signature == "classify":
            texts = np.array([_example(text).SerializeToString() for text in texts], object)
        if signature == "tokenized":
            length = rng.randint(1, self.contract.max_sequence_length)
            tokens = np.array(
                [[rng.randrange(5, self.contract.vocabulary_size) for _ in range(length)]] * rows, np.int32
            )
            put(request, token_ids=tokens, segment_ids=0 * tokens, padding_mask=0 * tokens + 1, speed=speeds)
        else:
            put(request, **{next(iter(SIGNATURES[signature])): texts})
            if signature == "with_speed":
                put(request, speed=speeds)
        if rng.random() < 0.2:
            request.output_filter.append(rng.choice(sorted(OUTPUTS[signature])))
        return request

    def _case(self, kind: str, method: str, payload: bytes, **options: Any) -> GrpcCase:
        is_larger = len(payload) > self.contract.max_message_bytes
        expected = frozenset((EXHAUSTED,)) if is_larger else self._judges[method](payload).expected
        return GrpcCase(kind, method, payload, expected, **options)

    def _predict(self, kind: str, request: Request, **options: Any) -> GrpcCase:
        return self._case(kind, f"{PREDICTION}Predict", request.SerializeToString(), **options)

    def _mutated(self, rng: random.Random) -> GrpcCase:
        """Breaks one to three rules of a request that keeps all others."""
        request = self.valid(rng)
        mutations = [rng.choice(MUTATIONS) for _ in range(rng.choice((1, 1, 2, 3)))]
        for mutation in mutations:
            mutation(rng, request, self.contract)
        return self._predict(f"predict: {mutations[0].__name__.strip('_')}", request)

    def _damaged(self, rng: random.Random) -> GrpcCase:
        method = rng.choice([f"{PREDICTION}Predict"] * 3 + list(self._judges))
        payload = damaged(rng, self.valid(rng).SerializeToString())
        return self._case("damaged bytes", method, payload)

    def _noise(self, rng: random.Random) -> GrpcCase:
        return self._case("noise", rng.choice(list(self._judges)), rng.randbytes(rng.choice((0, 1, 2, 10, 100, 2000))))

    def _tokens(self, rng: random.Random) -> GrpcCase:
        """Tokens outside their tables, masks of no token, other lengths."""
        request = self.valid(rng, "tokenized")
        alias = rng.choice(("token_ids", "segment_ids", "padding_mask"))
        tensor = request.inputs[alias]
        array = np.array(tf.make_ndarray(tensor))
        match rng.randrange(4):
            case 0:
                array[rng.randrange(len(array)), 0] = rng.choice((-1, 2, 10**6, -(2**31)))
            case 1:
                array[rng.randrange(len(array))] = 0
            case 2:
                array = np.zeros((len(array), rng.choice((0, self.contract.max_sequence_length + 1))), np.int32)
            case _:
                array = array[:, : rng.randint(0, array.shape[1])]
        tensor.CopyFrom(tf.make_tensor_proto(array, tf.int32))
        return self._predict("predict: tokens", request)

    def _classify(self, rng: random.Random) -> GrpcCase:
        request = classification_pb2.ClassificationRequest()
        request.model_spec.name = rng.choice([self.contract.name] * 4 + list(NAMES))
        request.model_spec.signature_name = rng.choice(("classify", "classify", "classify", "", "x", "tokenized"))
        listed = request.input.example_list
        if rng.random() < 0.3:
            listed = request.input.example_list_with_context
            listed.context.CopyFrom(_example(b"good", rng.choice(("text", "other"))))
        for _ in range(rng.randint(0, 3)):
            listed.examples.append(_odd_example(rng))
        payload = request.SerializeToString()
        return self._case("classify", f"{PREDICTION}Classify", damaged(rng, payload) if rng.random() < 0.2 else payload)

    def _questions(self, rng: random.Random) -> GrpcCase:
        """Odd questions for metadata and status."""
        if rng.random() < 0.5:
            method, request = f"{MODEL}GetModelStatus", get_model_status_pb2.GetModelStatusRequest()
        else:
            method, request = f"{PREDICTION}GetModelMetadata", get_model_metadata_pb2.GetModelMetadataRequest()
            request.metadata_field.extend(rng.choices(("signature_def", "x", ""), k=rng.randint(0, 2)))
        if rng.random() < 0.9:
            request.model_spec.name = rng.choice([self.contract.name] * 3 + list(NAMES))
        if rng.random() < 0.5:
            change_version(rng, request, self.contract)
        return self._case("status and metadata", method, request.SerializeToString())

    def _unknown_method(self, rng: random.Random) -> GrpcCase:
        payload = rng.choice((b"", rng.randbytes(50), self.valid(rng).SerializeToString()))
        return GrpcCase(
            "unknown method", rng.choice(UNKNOWN_METHODS), payload, frozenset(("UNIMPLEMENTED", "INTERNAL"))
        )

    def _transport(self, rng: random.Random) -> GrpcCase:
        """Good requests in odd wrapping."""
        request = self.valid(rng)
        good = self._judges[f"{PREDICTION}Predict"](request.SerializeToString()).expected
        kind, options, more = rng.choice(
            (
                ("no message", {"messages": 0}, {"UNIMPLEMENTED", "INTERNAL"}),
                ("two messages", {"messages": 2}, {"UNIMPLEMENTED", "INTERNAL", *good}),
                ("compressed", {"is_compressed": True}, good),
                ("deadline of a millisecond", {"timeout": 0.001}, {"DEADLINE_EXCEEDED", *good}),
                ("deadline long past", {"timeout": -1.0}, {"DEADLINE_EXCEEDED"}),
                ("cancelled at once", {"cancel": True}, {"CANCELLED", *good}),
                ("odd request id", {"metadata": (("x-request-id", "'\"%s\\" * rng.choice((0, 1, 200))),)}, good),
                ("unknown metadata", {"metadata": (("authorization", "Bearer x"), ("x-bin", b"\x00\xff"))}, good),
                ("metadata of 64 KiB", {"metadata": (("x-large", "a" * 2**16),)}, {EXHAUSTED}),
            )
        )
        payload = request.SerializeToString()
        return GrpcCase(kind, f"{PREDICTION}Predict", payload, frozenset(more), **options)

    def _too_large(self, rng: random.Random) -> GrpcCase:
        request = self.valid(rng, "serving_default")
        put(request, text=np.array([b"a" * (self.contract.max_message_bytes + 1)], object))
        compressed = rng.random() < 0.5
        kind = "small until decompressed" if compressed else "message too large"
        return self._predict(kind, request, is_compressed=compressed)

    def _rank(self, rng: random.Random) -> GrpcCase:
        """A shape of many dimensions: a server that multiplies them all does nothing else for minutes."""
        request = self.valid(rng, "serving_default")
        dimension = TensorShapeProto.Dim(size=rng.choice((0, 1, 2**62)))
        request.inputs["text"].tensor_shape.dim.extend([dimension] * rng.choice((31, 32, 254, 80_000)))
        return self._predict("predict: many dimensions", request)


def _example(text: bytes, name: str = "text") -> tf.train.Example:
    example = tf.train.Example()
    example.features.feature[name].bytes_list.value.append(text)
    return example


def _odd_example(rng: random.Random) -> tf.train.Example:
    example = _example(odd_text(rng), rng.choice(("text", "text", "text", "Text", "")))
    feature = example.features.feature["text"]
    match rng.randrange(6):
        case 0:
            feature.float_list.value.append(1.0)
        case 1:
            feature.int64_list.value.append(1)
        case 2:
            feature.bytes_list.value.append(b"a second one")
        case 3:
            feature.ClearField("kind")
    return example
