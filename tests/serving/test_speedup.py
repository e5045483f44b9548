"""Speedups that clients name: dial, manifest, checks, drift alarm, server and client."""

import dataclasses
import json
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from dispatcher_case import call
from fake_backend import FakeBackend, exit_layer, signature_def
from small_classifier import LABELS, TEXTS, small_model, small_tokenizer

from fastbert_serving import Client, InvalidRequest, Server
from fastbert_serving.dial import Dial
from fastbert_serving.dispatcher import Dispatcher
from fastbert_serving.doctor import examine
from fastbert_serving.manifest import MANIFEST_PATH, Manifest, ManifestError
from fastbert_serving.models.servable import Servable
from fastbert_serving.row_checks import check_values
from fastbert_serving.watch.drift_alarm import DriftAlarm
from fastbert_tf.export import export_saved_model

DIAL = Dial((1.0, 1.5, 3.0), (0.0, 0.4, 0.9))
TWO = np.array([b"good", b"bad"], object)
NAN = float("nan")


class SpeedupBackend(FakeBackend):
    """One whose model has the dial."""

    def __init__(self):
        super().__init__()
        served = self.served["films"]
        inputs = {"text": ("string", -1), "speedup": ("float", -1)}
        outputs = dict.fromkeys(("exit_layer", "uncertainty"), ("float", -1))
        signatures = {**served.signature_defs, "with_speedup": signature_def(inputs, outputs)}
        manifest = dataclasses.replace(served.manifest, dial=DIAL)
        self.served["films"] = dataclasses.replace(served, signature_defs=signatures, manifest=manifest)

    def outputs(self, call):
        speeds = DIAL.speed(call.inputs["speedup"])
        return {"exit_layer": exit_layer(speeds), "uncertainty": np.zeros(len(speeds), np.float32)}


class SpeedupTest(tf.test.TestCase, parameterized.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        holder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(holder.cleanup)
        cls.directory = Path(holder.name) / "model"
        cls.version = export_saved_model(
            cls.directory,
            model=small_model(),
            tokenizer=small_tokenizer(),
            label_names=LABELS,
            is_pair=False,
            dial=DIAL,
        )
        cls.findings = examine(cls.version).findings
        (cls.version / "assets.extra" / "tf_serving_warmup_requests").unlink()  # so that it loads soon
        cls.servable = Servable(cls.version)
        cls.addClassCleanup(cls.servable.close)

    def test_the_manifest_holds_the_dial(self):
        self.assertEqual(Manifest.read(self.version).dial, DIAL)
        self.assertLen(self.findings, 1)  # there is no curve

    def test_the_client_names_speedups_for_a_server(self):
        asked = np.linspace(1, 4, len(TEXTS))
        with Server(self.directory) as server, Client(server.address) as client:
            by_speedup = client.predict(TEXTS, speedup=asked)
            by_speed = client.predict(TEXTS, speed=DIAL.speed(asked))
            one = client.predict(TEXTS, speedup=2.5)
            with self.assertRaisesRegex(InvalidRequest, "speedup must be at least 1, but row 0 holds 0.5"):
                client.predict(TEXTS, speedup=0.5)
            with self.assertRaisesRegex(ValueError, "not both"):
                client.predict(TEXTS, speed=0.5, speedup=2)
        self.assertEqual(by_speedup, by_speed)
        self.assertNotEqual([row.exit_layer for row in by_speedup], [row.exit_layer for row in one])

    @parameterized.parameters(([1, NAN],), ([0.5, 2],), ([-float("inf"), 2],), ([2],), ([NAN],))
    def test_the_graph_and_the_check_say_the_same(self, speedups):
        servable = self.servable
        inputs = {"text": TWO, "speedup": np.float32(speedups)}
        with self.assertRaises(InvalidRequest) as graph:
            servable.predict("with_speedup", inputs)
        with self.assertRaises(InvalidRequest) as check:
            check_values(inputs, servable.signature("with_speedup"), servable.manifest)
        self.assertEqual(check.exception.message, graph.exception.message)
        fine = {"text": TWO, "speedup": np.float32([1, np.inf])}
        check_values(fine, servable.signature("with_speedup"), servable.manifest)
        self.assertLen(servable.predict("with_speedup", fine)["label"], 2)

    def test_the_drift_alarm_is_told_the_speeds(self):
        told, drift = [], DriftAlarm()
        drift.observe = lambda served, speeds, layers: told.append(speeds)
        dispatcher = Dispatcher(SpeedupBackend(), drift=drift)
        asked = dataclasses.replace(
            call(), signature="with_speedup", inputs={"text": TWO, "speedup": np.float32([1.0, 2.9])}
        )
        with dispatcher.exchange("Predict", "GRPC") as exchange:
            dispatcher.predict(asked, exchange)
        self.assertAllEqual(told, [DIAL.speed([1.0, 2.9])])

    @parameterized.parameters(
        ({"speedups": [1, 1], "speeds": [0, 0.5]}, "must rise from 1"), ({"speedups": [1]}, "speeds"),
        ({"speedups": [1, 2], "speeds": [0, 1.5]}, "1.5"),
    )  # fmt: skip
    def test_the_manifest_refuses_tables_that_are_none(self, dial, words):
        values = json.loads((self.version / MANIFEST_PATH).read_text())
        with self.assertRaisesRegex(ManifestError, words):
            Manifest.from_dict({**values, "dial": dial})


if __name__ == "__main__":
    tf.test.main()
