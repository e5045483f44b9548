"""A test case with the gRPC door open, through real channels, over a backend that the test controls."""

import grpc
import numpy as np
import tensorflow as tf
from fake_backend import FakeBackend
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tensorflow_serving.apis import (
    classification_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from fastbert_serving.dispatcher import Dispatcher
from fastbert_serving.doors.grpc_door import GrpcDoor

TIMEOUT = 60
Code = grpc.StatusCode


def predict_request(texts=("a",), signature="", name="films", **inputs):
    request = predict_pb2.PredictRequest()
    request.model_spec.name = name
    request.model_spec.signature_name = signature
    for alias, value in {"text": np.array(texts, object), **inputs}.items():
        request.inputs[alias].CopyFrom(tf.make_tensor_proto(value))
    return request


def classification_request(*texts, signature="classify", feature="text"):
    request = classification_pb2.ClassificationRequest()
    request.model_spec.name = "films"
    request.model_spec.signature_name = signature
    for text in texts:
        example = request.input.example_list.examples.add()
        example.features.feature[feature].bytes_list.value.append(text)
    return request


class GrpcDoorCase(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.backend = FakeBackend()
        self.dispatcher = Dispatcher(self.backend)

    def start(self, token=None, allow_reload=False, **options):
        door = GrpcDoor("127.0.0.1", 0, **options)
        door.start(self.dispatcher, token, allow_reload)
        self.addCleanup(door.stop, 0)
        self.channel = grpc.insecure_channel(door.address)
        self.addCleanup(self.channel.close)
        self.prediction = prediction_service_pb2_grpc.PredictionServiceStub(self.channel)
        self.models = model_service_pb2_grpc.ModelServiceStub(self.channel)
        self.health = health_pb2_grpc.HealthStub(self.channel)
        return door

    def assert_status(self, code, words, method, request, **options):
        with self.assertRaises(grpc.RpcError) as caught:
            method(request, timeout=TIMEOUT, **options)
        self.assertEqual(caught.exception.code(), code, caught.exception.details())
        self.assertRegex(caught.exception.details(), words or ".*")
        return caught.exception

    def check(self, name=""):
        return self.health.Check(health_pb2.HealthCheckRequest(service=name), timeout=TIMEOUT).status
