"""The loss of task distillation, against NumPy."""

import keras
import numpy as np
import registry
import tensorflow as tf

from fastbert_tf.config import BackboneConfig, FastBertConfig
from fastbert_tf.models import FastBert
from fastbert_tf.training import TaskDistillation

LEARNED = np.array([[1.0, -1.0, 0.5], [0.2, 0.1, 2.0]], np.float32)
TAUGHT = np.array([[2.0, 0.0, -1.0], [0.5, 0.0, 1.5]], np.float32)
COSINE = np.array([0.9, -0.2], np.float32)
LABELS = np.array([0, 1], np.int32)


def log_softmax(logits):
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def by_hand():
    """The loss of each row."""
    own, other = log_softmax(LEARNED / 2), log_softmax(TAUGHT / 2)
    soft = (np.exp(other) * (other - own)).sum(-1)
    hard = -log_softmax(LEARNED)[[0, 1], LABELS]
    return 0.5 * hard + 0.5 * 4 * soft + 1 - COSINE


class TaskDistillationTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        keras.utils.set_random_seed(0)
        self.student, self.teacher = registry.make_fastbert(), registry.make_fastbert()
        registry.spread(self.teacher)
        self.stage = TaskDistillation(self.student, self.teacher)

    def test_loss(self):
        loss = self.stage.compute_loss(None, LABELS, (LEARNED, TAUGHT, COSINE))
        self.assertAllClose(loss, by_hand().mean())

    def test_a_weight_is_of_all_terms(self):
        for weights in (np.array([3.0, 0.0], np.float32), np.array([[3.0], [0.0]], np.float32)):
            loss = self.stage.compute_loss(None, LABELS, (LEARNED, TAUGHT, COSINE), weights)
            self.assertAllClose(loss, 3 * by_hand()[0] / 2)

    def test_the_cosine_is_a_mean_over_real_tokens(self):
        inputs = registry.token_inputs(2)
        mask = np.array(inputs["padding_mask"])
        mask[0, 3:] = 0
        inputs = {**inputs, "padding_mask": mask}
        *_, cosine = self.stage(inputs)
        states = [np.array(model.backbone(inputs)[-1], np.float64) for model in (self.student, self.teacher)]
        norms = [np.linalg.norm(one, axis=-1) for one in states]
        each = (states[0] * states[1]).sum(-1) / (norms[0] * norms[1])  # (batch, sequence)
        self.assertAllClose(cosine, [row[real > 0].mean() for row, real in zip(each, mask, strict=True)], atol=1e-5)

    def test_models_of_other_widths_are_refused(self):
        wide = FastBert.from_fastbert_config(FastBertConfig(BackboneConfig(30, 2, 2, 32, 32), registry.CLASSES, 4, 2))
        with self.assertRaisesRegex(ValueError, "width and classes"):
            TaskDistillation(wide, self.teacher)


if __name__ == "__main__":
    tf.test.main()
