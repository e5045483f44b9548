"""First weights that imitate the teacher."""

import keras
import numpy as np
import tensorflow as tf

from fastbert_tf.losses import unexplained_variance
from fastbert_tf.models import Backbone, WordEncoder, inherit_weights
from fastbert_tf.models.inherited_weights import _regression

RNG = np.random.default_rng(0)
SHAPE = {"vocabulary_size": 50, "max_sequence_length": 16, "dropout": 0.0}
SPELLINGS = [[7], [3, 4], *([i] for i in range(2, 40))]


def make_teacher():
    keras.utils.set_random_seed(0)
    teacher = Backbone(num_layers=3, num_heads=4, hidden_dim=16, intermediate_dim=32, **SHAPE)
    for weight in teacher.weights:
        if "kernel" in weight.path or "embedding" in weight.path:
            weight.assign(RNG.normal(0, 0.3, weight.shape))
    return teacher


def make_student(layers=3, heads=2):
    keras.utils.set_random_seed(1)
    shape = {**SHAPE, "vocabulary_size": len(SPELLINGS), "num_heads": heads, "hidden_dim": 8, "intermediate_dim": 24}
    return WordEncoder(Backbone(num_layers=layers, **shape), lifted_dim=16)


def text(rows):
    mask = (np.arange(12) < RNG.integers(4, 13, (rows, 1))).astype(np.int32)
    return RNG.integers(2, 40, mask.shape).astype(np.int32) * mask, mask


def unexplained(student, teacher, ids, mask, layers=(1, 2, 3)):
    """At every level, on text whose pieces both vocabularies have; each piece is a word."""
    words = {"word_numbers": np.arange(1, 13, dtype=np.int32) * mask, "word_mask": mask}
    taught = WordEncoder(teacher)({"token_ids": ids, **words})
    learned = student({"token_ids": ids, **words})
    return [
        float(unexplained_variance(taught[level][:, :-1], ours[:, :-1], mask))
        for level, ours in zip((0, *layers), learned, strict=True)
    ]


class InheritedWeightsTest(tf.test.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.teacher = make_teacher()
        cls.before = [np.array(weight) for weight in cls.teacher.weights]
        cls.student = make_student()
        inherit_weights(cls.student, cls.teacher, SPELLINGS, *text(200))

    def test_imitates_the_teacher_on_other_text(self):
        other = text(50)
        random, inherited = (unexplained(model, self.teacher, *other) for model in (make_student(), self.student))
        self.assertAllLess(np.array(inherited), 0.75)
        self.assertAllGreater(np.array(random) - np.array(inherited), 0.2)

    def test_leaves_the_teacher_alone(self):
        for weight, before in zip(self.teacher.weights, self.before, strict=True):
            self.assertAllEqual(weight, before)

    def test_a_piece_of_several_is_their_mean(self):
        table = self.student.backbone.embeddings.token_embedding.embeddings.numpy()
        self.assertAllClose(table[1], (table[3] + table[4]) / 2, atol=1e-6)  # spelled by the teacher's 3 and 4
        self.assertAllEqual(table[0], table[7])

    def test_layers_by_a_map(self):
        student = make_student(layers=2)
        inherit_weights(student, self.teacher, SPELLINGS, *text(200), layer_map=[1, 3])
        self.assertAllLess(np.array(unexplained(student, self.teacher, *text(50), layers=(1, 3))), 0.9)
        with self.assertRaisesRegex(ValueError, "give a layer map"):
            inherit_weights(student, self.teacher, SPELLINGS, *text(2))

    def test_heads_of_another_width(self):
        with self.assertRaisesRegex(ValueError, "heads are as wide as the teacher's, 4 units"):
            inherit_weights(make_student(heads=4), self.teacher, SPELLINGS, *text(2))

    def test_regression_is_least_squares(self):
        inputs, targets = RNG.normal(2, 1, (500, 6)), RNG.normal(size=(500, 3))
        kernel, bias = _regression(inputs, targets)
        expected = np.linalg.lstsq(np.column_stack([inputs, np.ones(500)]), targets, rcond=None)[0]
        self.assertAllClose(kernel, expected[:-1], atol=1e-3)
        self.assertAllClose(bias, expected[-1], atol=1e-3)


if __name__ == "__main__":
    tf.test.main()
