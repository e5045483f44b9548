"""Exports in less than float32, all the way: export, doctor, server, answers, and the server's own check at load."""

from __future__ import annotations

import functools
from unittest import mock

import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from command_line import fastbert
from tiny_checkpoint import LAYERS
from trained_sample import TrainedSampleCase

from fastbert_serving import Client, ModelError, Server
from fastbert_serving.doctor.golden import read_golden_rows
from fastbert_serving.manifest import Manifest
from fastbert_serving.models import int8_product
from fastbert_serving.models.servable import Servable
from fastbert_tf.config import StageConfig
from fastbert_tf.recipes.export import export_classifier
from fastbert_tf.recipes.predict import Predictor

TOLERANCE = 0.02
"""Largest difference from float32: enough to tell an answer from garbage. How near each arithmetic is, on a model whose
answers are sharp, `test_int8_stack.py` and its neighbours test."""


class PrecisionsTest(TrainedSampleCase, parameterized.TestCase):
    train_rows = 96
    fine_tuning, distillation = StageConfig(2, 1e-2), StageConfig(1, 1e-2)

    @classmethod
    @functools.cache
    def export(cls, precision):
        calibration = cls.task.train if precision == "int8" else None
        return export_classifier(cls.classifier, cls.folder / precision, precision=precision, calibration=calibration)

    @parameterized.parameters("bfloat16", "int8")
    def test_from_export_to_answers(self, precision):
        version = self.export(precision)
        self.assertEqual(Manifest.read(version).precision, precision)
        code, report, _ = fastbert("doctor", version)
        self.assertEqual(code, 0, report)
        self.assertEqual("oneDNN and a processor with VNNI" in report, precision == "int8")
        texts = list(self.task.test.texts)
        with Server(version.parent) as server, Client(server.address) as client:
            code, report, _ = fastbert("doctor", version, "--address", server.address)
            self.assertEqual(code, 0, report)
            self.assertIn(f"golden texts: {len(read_golden_rows(version))} rows replayed", report)
            answers = client.predict(texts, speed=0.0)
        exact = Predictor(self.classifier)(texts, speed=0.0)
        self.assertAllClose(
            [answer.probabilities for answer in answers],
            [answer.probabilities for answer in exact],
            atol=TOLERANCE,
            rtol=0,
        )
        self.assertEqual({answer.exit_layer for answer in answers}, {LAYERS})

    def test_int8_is_refused_where_sums_are_wrong(self):
        version = self.export("int8")
        with (
            mock.patch.object(int8_product, "_product", lambda codes, kernel: np.zeros((len(codes), kernel.shape[1]))),
            self.assertRaisesRegex(ModelError, "is wrong here.* --precision float32"),
        ):
            Servable(version)


if __name__ == "__main__":
    tf.test.main()
