"""The way from a door to a backend: limits, and the speed in force."""

import dataclasses
import time

import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from dispatcher_case import DispatcherCase, FakeControl, strings
from fake_backend import DEFAULT_SPEED, FakeBackend, exit_layer

from fastbert_serving.call import Cancellation
from fastbert_serving.dispatcher import Dispatcher
from fastbert_serving.errors import (
    Cancelled,
    DeadlineExceeded,
    InvalidRequest,
    ResourceExhausted,
    UnknownSignature,
)
from fastbert_serving.limits import LimitExceeded, Limits
from fastbert_serving.watch.drift_alarm import DriftAlarm


class DispatcherTest(DispatcherCase):
    # === Answers ===

    def test_answer_comes_back(self):
        result = self.ask(b"a", b"bb")
        self.assertEqual((result.model, result.version, result.signature), ("films", 3, "serving_default"))
        self.assertAllEqual(result.outputs["label_id"], [1, 2])
        self.assertCountEqual(result.outputs, ["probabilities", "label", "label_id", "exit_layer", "uncertainty"])

    def test_output_filter_is_kept_although_more_is_watched(self):
        result = self.ask(b"a", output_filter=("label",))
        self.assertEqual(list(result.outputs), ["label"])
        self.assertAllEqual(self.exchange.exit_layers, exit_layer([DEFAULT_SPEED]))
        self.assertEqual(self.counted("fastbert_exit_layer_count", "films"), 1)
        with self.assertRaisesRegex(InvalidRequest, "'nope' of output_filter is unknown"):
            self.ask(b"a", output_filter=("nope",))
        with self.assertRaisesRegex(InvalidRequest, "names an output twice"):
            self.ask(b"a", output_filter=("label", "label"))

    def test_model_without_a_manifest_is_not_watched(self):
        self.backend = FakeBackend(has_manifest=False)
        self.dispatcher = Dispatcher(self.backend, drift=DriftAlarm())
        self.assertLen(self.ask(b"a").outputs, 5)
        self.assertIsNone(self.exchange.exit_layers)

    # === Limits ===

    def test_limits(self):
        self.dispatcher = Dispatcher(self.backend, Limits(max_rows=3, max_text_bytes=10))
        self.ask(b"a" * 10, b"", b"")
        words = "input 'text' must have at most 3 rows, but has 4; send fewer rows a request"
        with self.assertRaisesRegex(LimitExceeded, words):
            self.ask(b"", b"", b"", b"")
        with self.assertRaisesRegex(InvalidRequest, "at most 10 bytes, but text 1 has 11; shorten it"):
            self.ask(b"", b"a" * 11)
        self.assertLen(self.backend.calls, 1)
        self.assertEqual(self.counted("fastbert_rejected_total", "films", "limit"), 2)

    @parameterized.parameters("max_rows", "max_text_bytes")
    def test_limits_refuse(self, name):
        with self.assertRaisesRegex(ValueError, f"{name} must be at least 1, but is 0"):
            Limits(**{name: 0})

    def test_nothing_is_done_for_who_does_not_wait(self):
        gone = Cancellation()
        gone.set()
        with self.assertRaises(Cancelled):
            self.ask(b"a", cancellation=gone)
        with self.assertRaises(DeadlineExceeded):
            self.ask(b"a", deadline=time.monotonic() - 1)
        self.assertEmpty(self.backend.calls)

    # === Speed in force ===

    def control(self, speed=0.9):
        control = FakeControl(speed)
        self.dispatcher = Dispatcher(self.backend, control=control)
        return control

    def test_calls_without_a_speed_get_the_one_in_force(self):
        control = self.control(0.9)
        result = self.ask(b"a", b"bb")
        self.assertEqual(result.signature, "serving_default")
        self.assertAllEqual(result.outputs["exit_layer"], exit_layer([0.9, 0.9]))
        self.assertNotAllEqual(exit_layer([0.9]), exit_layer([DEFAULT_SPEED]))
        self.assertEqual(self.exchange.speed, 0.9)
        self.assertEqual(control.admitted, [("films", 2, None)])

    def test_calls_keep_their_own_speed(self):
        control = self.control(0.9)
        result = self.ask(b"a", b"bb", speeds=[0.0, 0.4])
        self.assertAllEqual(result.outputs["exit_layer"], exit_layer([0.0, 0.4]))
        self.assertIsNone(self.exchange.speed)
        self.assertAllClose(control.admitted[0][2], [0.0, 0.4])

    def test_control_without_an_opinion_leaves_the_default(self):
        self.control(None)
        self.assertAllEqual(self.ask(b"a").outputs["exit_layer"], exit_layer([DEFAULT_SPEED]))

    def test_control_sees_no_nonsense(self):
        """The backend has not judged the call yet."""
        control = self.control()
        self.backend.error = InvalidRequest("speed must be in [0, 1]")
        for speed in (np.float32([np.nan, 7]), strings(b"x", b"y"), np.float32([[1], [2]]), np.float32(1)):
            with self.assertRaises(InvalidRequest):
                self.ask(inputs={"text": strings(b"a", b"b"), "speed": speed}, signature="with_speed")
        self.assertLen(control.admitted, 4)
        for _, rows, speeds in control.admitted:
            self.assertEqual(speeds.shape, (rows,))
            self.assertAllInRange(speeds, 0, 1)

    def test_a_speed_where_none_belongs_is_refused(self):
        """It must not be taken for, or replaced by, the one in force."""
        self.control()
        with self.assertRaisesRegex(InvalidRequest, "input 'speed' is unknown"):
            self.ask(b"a", speeds=[0.5], signature="serving_default")

    def test_control_learns_of_failures(self):
        control = self.control()
        self.backend.error = ResourceExhausted("full")
        with self.assertRaises(ResourceExhausted):
            self.ask(b"a")
        self.assertEqual(control.failed, 1)

    def test_no_rows_are_no_work(self):
        control = self.control()
        self.assertEmpty(self.ask().outputs["label"])
        self.assertEmpty(control.admitted)

    def test_model_without_speed_answers_at_its_own(self):
        self.control()
        served = self.backend.served["films"]
        definitions = {name: value for name, value in served.signature_defs.items() if name != "with_speed"}
        self.backend.served["films"] = dataclasses.replace(served, signature_defs=definitions)
        self.assertLen(self.ask(b"a").outputs["label"], 1)

    def test_model_that_loses_its_speed_between_two_looks_still_answers(self):
        self.control()
        predict = self.backend.predict
        asked = []

        def swapped(call):
            asked.append(call.signature)
            if call.signature == "with_speed":
                raise UnknownSignature("no such signature")
            return predict(call)

        self.backend.predict = swapped
        self.assertLen(self.ask(b"a").outputs["label"], 1)
        self.assertEqual(asked, ["with_speed", "serving_default"])
        self.assertIsNone(self.exchange.speed)


if __name__ == "__main__":
    tf.test.main()
