"""gRPC's health service."""

import threading
import time

import grpc
import tensorflow as tf
from grpc_door_case import TIMEOUT, Code, GrpcDoorCase, predict_request
from grpc_health.v1 import health_pb2

from fastbert_serving.backend import VersionState
from fastbert_serving.doors.health_service import MAX_WATCHERS, HealthService


class HealthServiceTest(GrpcDoorCase):
    def test_health_follows_the_models(self):
        self.start()
        response = health_pb2.HealthCheckResponse
        for state, status in (
            (VersionState.AVAILABLE, response.SERVING),
            (VersionState.LOADING, response.NOT_SERVING),
            (VersionState.AVAILABLE, response.SERVING),
            (VersionState.END, response.NOT_SERVING),
        ):
            self.backend.state = state
            self.assertEqual([self.check(), self.check("films")], [status, status])
        self.backend.served.clear()
        self.assertEqual([self.check(), self.check("films")], [response.NOT_SERVING] * 2)
        request = health_pb2.HealthCheckRequest(service="other")
        self.assert_status(Code.NOT_FOUND, "", self.health.Check, request)

    def test_health_can_be_watched(self):
        door = self.start()
        response = health_pb2.HealthCheckResponse
        watch = self.health.Watch(health_pb2.HealthCheckRequest(service="films"), timeout=TIMEOUT)
        self.assertEqual(next(watch).status, response.SERVING)
        self.backend.state = VersionState.LOADING
        self.assertEqual(next(watch).status, response.NOT_SERVING)
        self.backend.state = VersionState.AVAILABLE
        self.assertEqual(next(watch).status, response.SERVING)
        stopping = threading.Thread(target=door.stop, args=(1,))
        stopping.start()
        self.assertEqual(next(watch).status, response.NOT_SERVING)
        stopping.join()

    def test_health_stops_while_the_backend_hangs(self):
        looking, proceed = threading.Event(), threading.Event()
        self.addCleanup(proceed.set)
        health = HealthService(self.backend, period=0.01)

        def hang(model):
            looking.set()
            proceed.wait(10 * TIMEOUT)
            return []

        self.backend.status = hang
        self.assertTrue(looking.wait(TIMEOUT))
        stopping = threading.Thread(target=health.stop, daemon=True)
        stopping.start()
        stopping.join(TIMEOUT)
        self.assertFalse(stopping.is_alive())

    def test_watching_what_does_not_exist_ends(self):
        self.start()
        for number in range(20):
            request = health_pb2.HealthCheckRequest(service=f"made up {number}")
            (only,) = self.health.Watch(request, timeout=TIMEOUT)
            self.assertEqual(only.status, health_pb2.HealthCheckResponse.SERVICE_UNKNOWN)

    def test_watchers_are_few_and_make_place_for_others(self):
        self.start(max_calls=10)
        request = health_pb2.HealthCheckRequest()
        watches = []
        for _ in range(MAX_WATCHERS):
            watches.append(self.health.Watch(request, timeout=TIMEOUT))
            next(watches[-1])
        with self.assertRaises(grpc.RpcError) as caught:
            next(self.health.Watch(request, timeout=TIMEOUT))
        self.assertEqual(caught.exception.code(), Code.RESOURCE_EXHAUSTED)
        for watch in watches:
            watch.cancel()
        while True:
            try:
                next(self.health.Watch(request, timeout=TIMEOUT))
                break
            except grpc.RpcError:
                time.sleep(0.01)
        self.prediction.Predict(predict_request(), timeout=TIMEOUT)  # they took no thread


if __name__ == "__main__":
    tf.test.main()
