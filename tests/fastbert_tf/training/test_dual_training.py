"""Dual training: the loss of the paper, what moves, and what it leaves as it would be without it."""

from __future__ import annotations

import keras
import numpy as np
import registry
import tensorflow as tf
from absl.testing import parameterized
from tensorflow.python.framework import config

from fastbert_tf.training import DualTraining, Lamb, MaskedLmTraining

ROWS = 16
BATCH = registry.dual_batch(ROWS)


def make_dual(direction=None, dropout=0.0):
    keras.utils.set_random_seed(0)
    dual = registry.make_dual(dropout=dropout, direction=direction)
    registry.spread(dual)
    return dual


def compiled(stage, optimizer=None):
    """Eagerly: tracing takes longer than some steps."""
    stage.compile(optimizer=optimizer or keras.optimizers.SGD(0.0), run_eagerly=True)
    return stage


def bits(variables):
    return [np.array(variable) for variable in variables]


def log_p(model, ids, mask):
    """log P of every piece at every position, float64 (rows, length, vocabulary)."""
    rows, length = ids.shape
    inputs = {"token_ids": ids, "padding_mask": mask, "places": np.arange(rows * length, dtype=np.int32)}
    return log_softmax(np.array(model(inputs), np.float64)).reshape(rows, length, -1)


def log_softmax(logits):
    return (
        logits
        - np.log(np.exp(logits - logits.max(-1, keepdims=True)).sum(-1, keepdims=True))
        - logits.max(-1, keepdims=True)
    )


def student_terms(dual):
    labels = BATCH["student_labels"]
    rows, columns = np.nonzero(labels >= 0)
    log_probabilities = log_p(dual.student, BATCH["student_ids"], BATCH["student_mask"])
    said = log_probabilities.argmax(-1)[rows, columns]
    wanted = labels[rows, columns]
    return -log_probabilities[rows, columns, wanted], said == wanted


def teacher_terms(dual):
    """Each place by the softmax of its label's vocabulary, from the model run at every position."""
    labels, size = BATCH["teacher_labels"], registry.VOCABULARY
    everywhere = np.arange(labels.size, dtype=np.int32)
    places = dict.fromkeys(("teacher_places", "lifted_places", "student_places"), everywhere)
    own, lifted, _ = dual({**BATCH, **places})
    parts = [log_softmax(np.array(x, np.float64)).reshape(*labels.shape, -1) for x in (own, lifted)]
    nats, right = [], []
    for row, column in np.argwhere(labels >= 0):
        label = labels[row, column]
        part, wanted = (parts[1], label - size) if label >= size else (parts[0], label)
        nats.append(-part[row, column, wanted])
        right.append(part[row, column].argmax() == wanted)
    return np.array(nats), np.array(right)


class LossTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters((None, 1.0), ("down", 1.0), ("up", 0.5))
    def test_equations_3_and_4(self, direction, epsilon):
        dual = make_dual(direction)
        stage = compiled(DualTraining(dual, epsilon, prediction_share=0.4))
        scores = stage.evaluate(BATCH, batch_size=ROWS, verbose=0, return_dict=True)
        (student, student_right), (teacher, teacher_right) = student_terms(dual), teacher_terms(dual)
        self.assertAllClose(scores["student_loss"], student.mean(), rtol=1e-5)
        self.assertAllClose(scores["teacher_loss"], teacher.mean(), rtol=1e-5)
        self.assertAllClose(scores["student_accuracy"], student_right.mean())
        self.assertAllClose(scores["teacher_accuracy"], teacher_right.mean())
        self.assertEqual(scores["unpredicted"], 0)
        cross_entropies = epsilon * (student.mean() + teacher.mean())
        projection = float(dual.projections.projection_loss()) if direction else 0.0
        self.assertAllClose(scores["loss"], projection + cross_entropies, rtol=1e-5)
        if direction:
            self.assertAllClose(scores["projection_loss"], projection, rtol=1e-5)
            self.assertAllClose(scores["loss_ratio"], projection / cross_entropies, rtol=1e-5)
        else:
            self.assertNotIn("loss_ratio", scores)

    @parameterized.parameters("student", "teacher")
    def test_masked_lm(self, side):
        dual = make_dual()
        model = getattr(dual, side)
        batch = registry.dual_batch(ROWS, p_dt=0.0)
        stage = compiled(MaskedLmTraining(model, side, prediction_share=0.4))
        scores = stage.evaluate(batch, batch_size=ROWS, verbose=0, return_dict=True)
        labels = batch[f"{side}_labels"]
        rows, columns = np.nonzero(labels >= 0)
        expected = log_p(model, batch[f"{side}_ids"], batch[f"{side}_mask"])
        wanted = labels[rows, columns]
        self.assertAllClose(scores["loss"], -expected[rows, columns, wanted].mean(), rtol=1e-5)
        self.assertAllClose(scores["accuracy"], (expected.argmax(-1)[rows, columns] == wanted).mean())

    def test_a_batch_without_predicted_places(self):
        nothing = {**BATCH, **{name: np.full_like(BATCH[name], -1) for name in ("teacher_labels", "student_labels")}}
        scores = compiled(DualTraining(make_dual())).evaluate(nothing, batch_size=ROWS, verbose=0, return_dict=True)
        self.assertEqual(scores["loss"], 0)


class MovementTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters("down", "up")
    def test_everything_moves(self, direction):
        """Student table, student layers, projections and teacher alike."""
        dual = make_dual(direction)
        before = bits(dual.trainable_variables)
        compiled(DualTraining(dual, prediction_share=0.4), Lamb(1e-2, decay=0.0)).train_on_batch(BATCH)
        for variable, old in zip(dual.trainable_variables, before, strict=True):
            if not variable.path.endswith(registry.KEY_BIAS):
                self.assertNotAllEqual(variable, old, variable.path)

    def test_the_teachers_loss_moves_the_students_table_where_words_are_mixed(self):
        for p_dt, is_moved in ((0.5, True), (0.0, False)):
            batch = registry.dual_batch(ROWS, p_dt)
            batch["student_labels"] = np.full_like(batch["student_labels"], -1)  # the teacher's loss alone
            dual = make_dual()
            before = dual.student.token_table.numpy()
            compiled(DualTraining(dual, p_dt=p_dt), keras.optimizers.SGD(0.1)).train_on_batch(batch)
            self.assertEqual(np.abs(dual.student.token_table.numpy() - before).max() > 0, is_moved)

    def test_a_frozen_teacher_keeps_every_bit(self):
        dual = make_dual("up", dropout=0.5)
        before = bits(dual.teacher.weights)
        table = dual.student.token_table.numpy()
        stage = compiled(DualTraining(dual, train_teacher=False), Lamb(1e-2))
        stage.train_on_batch(BATCH)
        for variable, old in zip(dual.teacher.weights, before, strict=True):
            self.assertAllEqual(variable, old)
        self.assertNotAllEqual(dual.student.token_table, table)
        self.assertLen(stage.trainable_variables, len(dual.trainable_variables) - len(dual.teacher.trainable_variables))

    def test_warm_up_of_the_head_moves_nothing_else(self):
        teacher = make_dual(dropout=0.5).teacher
        head = {id(weight) for layer in teacher.head for weight in layer.weights}
        before = bits(teacher.variables)
        batch = registry.dual_batch(ROWS, p_dt=0.0)
        compiled(MaskedLmTraining(teacher, "teacher", head_only=True), Lamb(1e-2)).train_on_batch(batch)
        for variable, old in zip(teacher.variables, before, strict=True):
            if id(variable) in head:
                self.assertNotAllEqual(variable, old, variable.path)
            else:
                self.assertAllEqual(variable, old, variable.path)

    def test_without_mixed_words_and_projections_the_student_learns_as_alone(self):
        """Bit for bit, with dropout and a graph as users train."""
        tf.config.experimental.enable_op_determinism()
        self.addCleanup(config.disable_op_determinism)
        whole = registry.dual_batch(2 * ROWS, p_dt=0.0)
        batches = [{name: rows[half::2] for name, rows in whole.items()} for half in (0, 1)]  # of one shape: one trace

        def trained(is_dual):
            dual = make_dual(dropout=0.3)
            stage = DualTraining(dual, p_dt=0.0) if is_dual else MaskedLmTraining(dual.student)
            stage.compile(optimizer=Lamb(1e-2, gradient_accumulation_steps=2), jit_compile=False)
            for _ in range(2):
                for batch in batches:
                    stage.train_on_batch(batch)
            return dual.student.variables

        start = make_dual(dropout=0.3).student.variables
        for alone, beside, old in zip(trained(False), trained(True), start, strict=True):
            self.assertAllEqual(alone, beside, alone.path)
            if not alone.path.endswith(registry.KEY_BIAS):
                self.assertNotAllEqual(alone, old, alone.path)


class BadArgumentsTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(
        ({"epsilon": 0}, "epsilon must be positive"),
        ({"p_dt": 1.5}, r"p_dt must be in \[0, 1\], but is 1.5"),
        ({"prediction_share": 0}, r"prediction_share must be in \(0, 1\]"),
    )
    def test_dual(self, options, message):
        with self.assertRaisesRegex(ValueError, message):
            DualTraining(make_dual(), **options)

    def test_side(self):
        with self.assertRaisesRegex(ValueError, "side must be one of"):
            MaskedLmTraining(make_dual().student, "middle")


if __name__ == "__main__":
    tf.test.main()
