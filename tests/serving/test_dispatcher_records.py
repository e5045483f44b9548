"""What the dispatcher records of a call: metrics, drift, access log, request ids."""

import json
import tempfile
from pathlib import Path

import tensorflow as tf
from absl.testing import parameterized
from dispatcher_case import DispatcherCase, FakeControl, call, samples
from fake_backend import DEFAULT_SPEED, exit_layer

from fastbert_serving.call import ModelReference
from fastbert_serving.dispatcher import Dispatcher
from fastbert_serving.errors import (
    Cancelled,
    DeadlineExceeded,
    InvalidRequest,
    ResourceExhausted,
    ServingError,
    UnknownModel,
    UnknownSignature,
)
from fastbert_serving.watch.access_log import AccessLog
from fastbert_serving.watch.drift_alarm import DriftAlarm


class DispatcherRecordsTest(DispatcherCase):
    @parameterized.parameters(
        (ResourceExhausted("full"), "RESOURCE_EXHAUSTED", "overload"),
        (DeadlineExceeded("late"), "DEADLINE_EXCEEDED", "deadline"),
        (Cancelled("gone"), "CANCELLED", "cancelled"),
        (InvalidRequest("bad"), "INVALID_ARGUMENT", "invalid"),
        (ServingError("odd"), "UNKNOWN", "internal"),
        (ZeroDivisionError("bug"), "INTERNAL", "internal"),
    )
    def test_refused_calls_are_counted_by_cause(self, error, code, cause):
        self.backend.error = error
        with self.assertRaises(type(error)):
            self.ask(b"a")
        self.assertEqual(self.counted("fastbert_rejected_total", "films", cause), 1)
        self.assertEqual(self.counted(":tensorflow:serving:request_count", "films", code), 1)
        self.assertEqual(self.counted(":tensorflow:serving:request_latency_count", "films", "Predict", "GRPC"), 0)
        self.assertEqual(self.dispatcher.meter.rejected_count("films"), 1)

    def test_names_that_clients_make_up_become_no_labels(self):
        for number in range(50):
            with self.assertRaises(UnknownModel):
                self.ask(b"a", name=f"made-up-{number}")
        text = self.dispatcher.metrics.exposition().decode()
        self.assertNotIn("made-up", text)
        self.assertEqual(self.counted("fastbert_rejected_total", "unknown", "unknown_model"), 50)
        with self.assertRaises(UnknownModel):
            self.ask(b"a", model=ModelReference("films", 9))
        self.assertEqual(self.counted("fastbert_rejected_total", "films", "unknown_model"), 1)
        with self.assertRaises(UnknownSignature):
            self.ask(b"a", signature="made up")
        self.assertEqual(self.exchange.signature, "")

    def test_answers_are_counted(self):
        self.ask(b"a", b"bb")
        self.ask(b"a", api="Classify")
        found = samples(self.dispatcher.metrics)
        for (name, *labels), value in {
            (":tensorflow:serving:request_count", "films", "OK"): 2,
            (":tensorflow:serving:request_latency_count", "films", "Predict", "GRPC"): 1,
            (":tensorflow:serving:request_latency_count", "films", "Classify", "GRPC"): 1,
            (":tensorflow:serving:runtime_latency_sum", "films", "Predict", "TF1"): 10_000,
            (":tensorflow:serving:request_example_count_total", "films"): 1,
            ("fastbert_rows_total", "films"): 3,
            ("fastbert_exit_layer_count", "films"): 3,
            ("fastbert_exit_layer_sum", "films"): 3 * exit_layer(DEFAULT_SPEED),
            ("fastbert_uncertainty_sum", "films"): 0.75,
            ("fastbert_queue_seconds_sum", "films"): 0.004,
        }.items():
            self.assertAlmostEqual(found[name, frozenset(labels)], value, 5, name)
        self.assertGreater(self.counted(":tensorflow:serving:request_latency_sum", "films", "Predict", "GRPC"), 0)

    def test_drift_is_told_the_speeds_in_force(self):
        told = []
        drift = DriftAlarm()
        drift.observe = lambda served, speeds, layers: told.append((served.version, speeds.tolist(), layers.tolist()))
        self.dispatcher = Dispatcher(self.backend, control=FakeControl(1.0), drift=drift)
        self.ask(b"a")
        self.ask(b"a", speeds=[0.0])
        self.assertEqual(told, [(3, [1.0], [1]), (3, [0.0], [4])])

    def test_access_log_has_a_line_for_each_request(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        path = Path(holder.name) / "access.jsonl"
        self.dispatcher = Dispatcher(self.backend, control=FakeControl(0.9), access_log=(log := AccessLog(str(path))))
        with self.dispatcher.exchange("Predict", "REST", "my-id", "10.0.0.1") as exchange:
            self.dispatcher.predict(call(b"secret one", b"bb"), exchange)
        with self.assertRaises(UnknownModel):
            self.ask(b"secret two", name="secret three")
        log.close()
        with self.dispatcher.exchange("Predict", "REST"):
            pass  # after the end of the log
        self.assertEqual(self.counted("fastbert_access_log_dropped_total"), 1)
        content = path.read_text()
        self.assertNotIn("secret", content)
        first, second = map(json.loads, content.splitlines())
        want = {
            "request_id": "my-id",
            "entrypoint": "REST",
            "api": "Predict",
            "peer": "10.0.0.1",
            "model": "films",
            "version": 3,
            "signature": "serving_default",
            "rows": 2,
            "code": "OK",
            "speed": 0.9,
            "exit_layers": {str(exit_layer(0.9)): 2},
            "batch_rows": 8,
            "queue_ms": 2.0,
            "run_ms": 10.0,
        }
        self.assertEqual({name: first[name] for name in want}, want)
        self.assertEqual((second["code"], second["cause"], second["model"]), ("NOT_FOUND", "unknown_model", ""))

    def test_request_ids(self):
        for given, kept in (("abc-1", True), ("a b", False), ('"}\n', False), ("x" * 129, False), ("", False)):
            with self.dispatcher.exchange("Predict", "GRPC", given) as exchange:
                self.assertEqual(exchange.request_id == given, kept)
                self.assertRegex(exchange.request_id, "^[0-9a-f]{16}$" if not kept else given)


if __name__ == "__main__":
    tf.test.main()
