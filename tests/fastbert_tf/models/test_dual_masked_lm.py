"""The dual model equals an ordinary masked language model over both vocabularies, and shapes that do not fit fail."""

from __future__ import annotations

import keras
import numpy as np
import registry
import samples
import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.config import BackboneConfig
from fastbert_tf.models import Backbone, DualMaskedLm, MaskedLm, checked_layer_map, student_config

TEACHER = BackboneConfig(30522, num_layers=6, num_heads=12, hidden_dim=384, intermediate_dim=1536)


def make_dual():
    keras.utils.set_random_seed(0)
    dual = registry.make_dual(dropout=0.0)
    registry.spread(dual)
    return dual


def lifted_table(dual):
    return dual.student.token_table.numpy() @ dual.lift.kernel.numpy()  # (student vocabulary, teacher's width)


def merged(dual):
    """A masked language model whose table holds the teacher's pieces, and after them the student's, lifted."""
    teacher = dual.teacher
    size = registry.VOCABULARY + samples.STUDENT_VOCABULARY
    model = MaskedLm(Backbone(**{**teacher.config.to_dict(), "vocabulary_size": size}))
    tables = {
        model.token_table.path: np.concatenate([teacher.token_table.numpy(), lifted_table(dual)]),
        model.output_logits.bias.path: np.concatenate(
            [teacher.output_logits.bias.numpy(), dual.lifted_logits.bias.numpy()]
        ),
    }
    for own, weight in zip(teacher.weights, model.weights, strict=True):
        weight.assign(tables.get(weight.path, own))
    return model


class DualMaskedLmTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.dual = make_dual()
        (case,) = [case for case in registry.MODELS if case.cls is DualMaskedLm]
        self.inputs = case.inputs()

    def test_teacher_reads_and_predicts_through_the_lifted_table(self):
        ids = self.inputs["teacher_ids"]
        self.assertLess(ids.min(), registry.VOCABULARY)
        self.assertGreater(ids.max(), registry.VOCABULARY)
        own, lifted, _ = self.dual(self.inputs)
        model = merged(self.dual)
        for logits, places, part in (
            (own, "teacher_places", slice(None, registry.VOCABULARY)),
            (lifted, "lifted_places", slice(registry.VOCABULARY, None)),
        ):
            inputs = {
                "token_ids": ids, "padding_mask": self.inputs["teacher_mask"], "places": self.inputs[places]
            }  # fmt: skip
            self.assertAllClose(logits, model(inputs)[:, part], atol=1e-5)

    def test_student_reads_its_own_sequence_alone(self):
        inputs = {
            "token_ids": self.inputs["student_ids"],
            "padding_mask": self.inputs["student_mask"],
            "places": self.inputs["student_places"],
        }
        expected = self.dual.student(inputs)
        other = {**self.inputs, "teacher_ids": self.inputs["teacher_ids"][::-1]}
        for batch in (self.inputs, other):
            self.assertAllClose(self.dual(batch)[2], expected, atol=1e-6)

    def test_gradient_of_the_students_table_by_finite_differences(self):
        """Through the teacher's reading and predicting alike."""
        table, rng = self.dual.student.token_table, np.random.default_rng(0)
        direction = rng.normal(size=table.shape).astype(np.float32)
        targets = [rng.normal(size=output.shape).astype(np.float32) for output in self.dual(self.inputs)[:2]]

        def value():
            outputs = self.dual(self.inputs)[:2]
            return tf.add_n([tf.reduce_sum(a * b) for a, b in zip(outputs, targets, strict=True)])

        with tf.GradientTape() as tape:
            result = value()
        gradient = tf.convert_to_tensor(tape.gradient(result, table.value)).numpy()
        start, step = table.numpy(), 1e-3
        ends = []
        for sign in (1, -1):
            table.assign(start + sign * step * direction)
            ends.append(float(value()))
        self.assertAllClose((gradient * direction).sum(), (ends[0] - ends[1]) / (2 * step), rtol=2e-2)

    def test_a_place_is_row_times_length_plus_column(self):
        model = self.dual.student
        inputs = {"token_ids": self.inputs["student_ids"], "padding_mask": self.inputs["student_mask"]}
        hidden = model.backbone({**inputs, "segment_ids": np.zeros_like(inputs["token_ids"])})[-1]
        expected = model.output_logits(model.transform(hidden[1, 2:4]), model.token_table)
        places = np.array([registry.LENGTH + 2, registry.LENGTH + 3], np.int32)
        self.assertAllClose(model({**inputs, "places": places}), expected, atol=1e-5)


class ShapesTest(tf.test.TestCase, parameterized.TestCase):
    def test_student_config(self):
        student = student_config(TEACHER, 192, 4928)
        self.assertEqual(student, BackboneConfig(4928, 6, 12, 192, 768))
        self.assertEqual(
            student_config(TEACHER, 48, 4928, num_layers=3, num_heads=4), BackboneConfig(4928, 3, 4, 48, 192)
        )

    @parameterized.parameters(
        ({"hidden_dim": 100}, "100 wide cannot have 12 heads"),
        ({"hidden_dim": 96, "num_heads": 5}, "96 wide cannot have 5 heads"),
        ({"hidden_dim": 384}, "below the teacher's 384, but is 384"),
        ({"hidden_dim": 0}, "below the teacher's 384, but is 0"),
    )
    def test_bad_widths_and_heads(self, options, message):
        with self.assertRaisesRegex(ValueError, message):
            student_config(TEACHER, vocabulary_size=4928, **options)

    def test_layer_map(self):
        self.assertEqual(checked_layer_map(None, 3, 3), (1, 2, 3))
        self.assertEqual(checked_layer_map([2, 4, 6], 6, 3), (2, 4, 6))

    @parameterized.parameters(
        (None, 6, 3, "6 layers and the student 3: give a layer map"),
        ([2, 4], 6, 3, "must name 3 of the teacher's layers 1 to 6"),
        ([0, 1, 2], 6, 3, r"but is \[0, 1, 2\]"),
        ([2, 4, 7], 6, 3, r"but is \[2, 4, 7\]"),
        ([4, 2, 6], 6, 3, "rising"),
    )
    def test_layers_that_do_not_map(self, layer_map, teacher, student, message):
        with self.assertRaisesRegex(ValueError, message):
            checked_layer_map(layer_map, teacher, student)

    def test_models_that_do_not_fit(self):
        teacher, student = registry.make_masked_lm(), registry.make_student()
        with self.assertRaisesRegex(ValueError, "narrower than the teacher, but is 8 wide and the teacher 4"):
            DualMaskedLm(student, teacher)
        with self.assertRaisesRegex(ValueError, "2 layers and the student 1: give a layer map"):
            DualMaskedLm(registry.make_masked_lm(depth=2), student)


if __name__ == "__main__":
    tf.test.main()
