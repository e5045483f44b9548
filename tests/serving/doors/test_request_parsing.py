"""Messages that are no requests."""

import gc
import time

import tensorflow as tf
from absl.testing import parameterized
from grpc_door_case import TIMEOUT, Code, GrpcDoorCase, predict_request
from grpc_health.v1 import health_pb2

METHODS = (
    "/tensorflow.serving.PredictionService/Predict",
    "/tensorflow.serving.ModelService/GetModelStatus",
    "/grpc.health.v1.Health/Check",
)


def calls_in_memory():
    gc.collect()
    return sum(type(found).__name__ == "_RPCState" for found in gc.get_objects())


class RequestParsingTest(GrpcDoorCase, parameterized.TestCase):
    @parameterized.parameters(*METHODS)
    def test_broken_messages_are_refused_and_leave_nothing_behind(self, method):
        self.start()
        ask = self.channel.unary_unary(method)
        self.prediction.Predict(predict_request(), timeout=TIMEOUT)
        before = calls_in_memory()
        for _ in range(50):
            self.assert_status(Code.INTERNAL, "not what this method takes", ask, b"\xff\xff")
        until = time.monotonic() + TIMEOUT
        while calls_in_memory() > before + 5 and time.monotonic() < until:  # gRPC ends calls on its own thread
            time.sleep(0.05)
        self.assertLessEqual(calls_in_memory(), before + 5)
        self.prediction.Predict(predict_request(), timeout=TIMEOUT)

    def test_broken_message_to_a_stream(self):
        self.start()
        watch = self.channel.unary_stream("/grpc.health.v1.Health/Watch")(b"\xff\xff", timeout=TIMEOUT)
        self.assert_status(Code.INTERNAL, "not what this method takes", lambda *_, **__: next(watch), None)
        self.assertLen(list(self.health.Watch(health_pb2.HealthCheckRequest(service="made up"), timeout=TIMEOUT)), 1)


if __name__ == "__main__":
    tf.test.main()
