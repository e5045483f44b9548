"""The gRPC port and Predict."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import grpc
import tensorflow as tf
from absl.testing import parameterized
from grpc_door_case import TIMEOUT, Code, GrpcDoorCase, classification_request, predict_request
from grpc_health.v1 import health_pb2
from tensorflow_serving.apis import classification_pb2, get_model_metadata_pb2, get_model_status_pb2, predict_pb2

from fastbert_serving.backend import VersionState
from fastbert_serving.dispatcher import Dispatcher
from fastbert_serving.doors import grpc_door
from fastbert_serving.doors.grpc_door import GrpcDoor
from fastbert_serving.errors import ResourceExhausted


class GrpcDoorTest(GrpcDoorCase, parameterized.TestCase):
    def test_predict(self):
        self.start()
        response = self.prediction.Predict(predict_request([b"a", b"bb"]), timeout=TIMEOUT)
        spec = response.model_spec
        self.assertEqual((spec.name, spec.version.value, spec.signature_name), ("films", 3, "serving_default"))
        self.assertAllEqual(tf.make_ndarray(response.outputs["label_id"]), [1, 2])
        self.assertEqual(self.backend.calls[0].signature, "serving_default")
        self.assertIsNotNone(self.backend.calls[0].deadline)

    def test_call_without_a_deadline_has_none(self):
        self.start()
        self.prediction.Predict(predict_request())
        self.assertIsNone(self.backend.calls[0].deadline)

    def test_deadline_is_the_clients(self):
        self.start()
        before = time.monotonic()
        self.prediction.Predict(predict_request(), timeout=1000)
        self.assertBetween(self.backend.calls[0].deadline, before + 900, time.monotonic() + 1020)  # rounded on the wire

    def test_client_that_gives_up_cancels_its_call(self):
        self.start()
        self.backend.gate.clear()
        future = self.prediction.Predict.future(predict_request(), timeout=TIMEOUT)
        self.assertTrue(self.backend.begun.wait(TIMEOUT))
        self.assertFalse(self.backend.cancelled.is_set())
        future.cancel()
        self.assertTrue(self.backend.cancelled.wait(TIMEOUT))
        self.backend.gate.set()

    def test_request_id_is_kept_and_sent_back(self):
        self.start()
        _, call = self.prediction.Predict.with_call(
            predict_request(), metadata=[("x-request-id", "id-7")], timeout=TIMEOUT
        )
        self.assertEqual(dict(call.trailing_metadata())["x-request-id"], "id-7")
        self.assertEqual(self.backend.calls[0].request_id, "id-7")
        error = self.assert_status(
            Code.NOT_FOUND, "", self.prediction.Predict, predict_request(name="x"), metadata=[("x-request-id", "id-8")]
        )
        self.assertEqual(dict(error.trailing_metadata())["x-request-id"], "id-8")

    def test_errors_of_the_backend_are_statuses(self):
        self.start()
        self.backend.error = ResourceExhausted("the queue is full; come again")
        self.assert_status(Code.RESOURCE_EXHAUSTED, "the queue is full", self.prediction.Predict, predict_request())
        self.backend.error = ZeroDivisionError("secret path")
        with self.assertLogs("absl", "ERROR"):
            error = self.assert_status(Code.INTERNAL, "^internal error", self.prediction.Predict, predict_request())
        self.assertNotIn("secret", error.details())

    def test_broken_tensor_names_its_input(self):
        self.start()
        request = predict_request()
        request.inputs["text"].tensor_shape.dim[0].size = 10**12
        self.assert_status(Code.INVALID_ARGUMENT, "input 'text' has shape", self.prediction.Predict, request)

    @parameterized.parameters("Predict", "Classify", "GetModelMetadata")
    def test_request_without_a_model(self, method):
        self.start()
        request = {
            "Predict": predict_pb2.PredictRequest,
            "Classify": classification_pb2.ClassificationRequest,
            "GetModelMetadata": get_model_metadata_pb2.GetModelMetadataRequest,
        }[method]()
        self.assert_status(Code.INVALID_ARGUMENT, "Missing ModelSpec", getattr(self.prediction, method), request)
        request.model_spec.signature_name = "x"
        self.assert_status(Code.INVALID_ARGUMENT, "ModelSpec has no name", getattr(self.prediction, method), request)

    def test_more_calls_than_allowed_are_refused_at_once(self):
        self.dispatcher = Dispatcher(self.backend, max_calls=2)
        self.start(max_calls=2)
        self.backend.gate.clear()
        working = [self.prediction.Predict.future(predict_request(), timeout=TIMEOUT) for _ in range(2)]
        while len(self.backend.calls) < 2:
            time.sleep(0.01)
        for method, request in (
            (self.prediction.Predict, predict_request()),
            (self.prediction.Classify, classification_request(b"a")),
        ):
            self.assert_status(Code.RESOURCE_EXHAUSTED, "2 of at most 2 calls are in progress", method, request)
        counted = 'fastbert_rejected_total{cause="overload",model_name="films"} 2.0'
        self.assertIn(counted, self.dispatcher.metrics.exposition().decode())
        self.assertEqual(self.dispatcher.meter.rejected_count("films"), 2)
        status = get_model_status_pb2.GetModelStatusRequest()
        status.model_spec.name = "films"
        self.models.GetModelStatus(status, timeout=TIMEOUT)  # and probes are answered
        self.assertEqual(self.check("films"), health_pb2.HealthCheckResponse.SERVING)
        self.backend.gate.set()
        for future in working:
            self.assertLen(future.result().outputs, 5)

    def test_larger_message_than_allowed(self):
        self.start(max_message_bytes=10_000)
        request = predict_request([b"a" * 20_000])
        self.assert_status(Code.RESOURCE_EXHAUSTED, "larger than max", self.prediction.Predict, request)

    def test_calls_in_progress_are_answered_before_the_end(self):
        door = self.start()
        self.backend.gate.clear()
        working = self.prediction.Predict.future(predict_request(), timeout=TIMEOUT)
        self.assertTrue(self.backend.begun.wait(TIMEOUT))
        with ThreadPoolExecutor(1) as pool:
            stopping = pool.submit(door.stop, TIMEOUT)
            self.backend.gate.set()
            self.assertLen(working.result().outputs, 5)
            stopping.result(TIMEOUT)
        self.assert_status(Code.UNAVAILABLE, "", self.prediction.Predict, predict_request())

    def test_old_connection_is_given_up_but_not_its_calls(self):
        with mock.patch.object(grpc_door, "MAX_CONNECTION_AGE_MS", 50):
            self.start()
        self.backend.gate.clear()
        watch = self.health.Watch(health_pb2.HealthCheckRequest(service="films"), timeout=TIMEOUT)
        self.assertEqual(next(watch).status, health_pb2.HealthCheckResponse.SERVING)
        working = self.prediction.Predict.future(predict_request(), timeout=TIMEOUT)
        given_up = threading.Event()
        self.channel.subscribe(lambda state: given_up.set() if state is grpc.ChannelConnectivity.IDLE else None)
        self.assertTrue(self.backend.begun.wait(TIMEOUT))
        self.assertTrue(given_up.wait(TIMEOUT))
        self.assertFalse(working.done())
        self.backend.gate.set()
        self.assertLen(working.result().outputs, 5)
        self.backend.state = VersionState.LOADING
        self.assertEqual(next(watch).status, health_pb2.HealthCheckResponse.NOT_SERVING)
        self.assertLen(self.prediction.Predict(predict_request(), timeout=TIMEOUT).outputs, 5)

    def test_taken_port(self):
        door = self.start()
        with self.assertRaisesRegex(ValueError, f"cannot listen on 127.0.0.1:{door.port}; give a host"):
            GrpcDoor("127.0.0.1", door.port)


if __name__ == "__main__":
    tf.test.main()
