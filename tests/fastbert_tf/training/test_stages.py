"""Each stage trains its own layers alone, on the loss of the paper, and can be fitted by hand."""

from __future__ import annotations

import keras
import numpy as np
import registry
import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.config import BackboneConfig, FastBertConfig
from fastbert_tf.models import FastBert
from fastbert_tf.training import FineTuning, JointFineTuning, SelfDistillation

ROWS = 24
INPUTS = registry.token_inputs(ROWS)
LABELS = np.random.default_rng(0).integers(0, registry.CLASSES, ROWS).astype(np.int32)


def log_softmax(logits):
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def bits(variables):
    return [np.array(variable) for variable in variables]


def make_fastbert(dropout=0.5):
    keras.utils.set_random_seed(0)
    fastbert = registry.make_fastbert(dropout=dropout)
    registry.spread(fastbert)
    return fastbert


def compiled(stage, **options):
    """Eagerly where few steps are made: tracing takes longer than some steps."""
    stage.compile(optimizer=keras.optimizers.AdamW(1e-2), jit_compile=False, **options)
    return stage


class FreezingTest(tf.test.TestCase):
    """Strong dropout and several epochs: whatever is not named must not move by a bit."""

    def setUp(self):
        super().setUp()
        self.fastbert = make_fastbert()

    def _frozen_in_stage_2(self):
        return bits([*self.fastbert.backbone.variables, *self.fastbert.teacher.variables])  # random states too

    def _assert_same_bits(self, before, after):
        for old, new in zip(before, after, strict=True):
            self.assertAllEqual(old, new)

    def _assert_all_moved(self, before, variables):
        for old, new in zip(before, variables, strict=True):
            if not new.path.endswith(registry.KEY_BIAS):
                self.assertNotAllEqual(old, new, new.path)

    def test_both_stages_made_and_compiled_beforehand(self):
        """As a custom loop may do: fine-tune, distil, and again, with no compile in between."""
        fine_tuning = compiled(FineTuning(self.fastbert))
        distillation = compiled(SelfDistillation(self.fastbert))
        student_variables = [variable for student in self.fastbert.students for variable in student.trainable_variables]
        for _ in range(2):
            students, frozen = bits(student_variables), self._frozen_in_stage_2()
            fine_tuning.fit(INPUTS, LABELS, batch_size=8, epochs=2, verbose=0)
            self._assert_same_bits(students, bits(student_variables))
            self._assert_all_moved(frozen, [*self.fastbert.backbone.variables, *self.fastbert.teacher.variables])
            frozen = self._frozen_in_stage_2()
            distillation.fit(INPUTS, batch_size=8, epochs=2, verbose=0)
            self._assert_same_bits(frozen, self._frozen_in_stage_2())
            self._assert_all_moved(students, student_variables)

    def test_weight_decay_moves_no_frozen_weight(self):
        stage = SelfDistillation(self.fastbert)
        stage.compile(optimizer=keras.optimizers.AdamW(1e-2, weight_decay=0.5), run_eagerly=True)
        frozen = self._frozen_in_stage_2()
        stage.fit(INPUTS, batch_size=8, verbose=0)
        self._assert_same_bits(frozen, self._frozen_in_stage_2())

    def test_joint_stage_trains_everything(self):
        before = bits(self.fastbert.trainable_variables)
        stage = compiled(JointFineTuning(self.fastbert), run_eagerly=True)
        stage.fit(INPUTS, LABELS, batch_size=8, verbose=0)
        self._assert_all_moved(before, self.fastbert.trainable_variables)

    def test_variables_are_listed_once(self):
        for stage in (FineTuning(self.fastbert), JointFineTuning(self.fastbert), SelfDistillation(self.fastbert)):
            trained = {variable.path for variable in stage.trainable_variables}
            frozen = {variable.path for variable in stage.non_trainable_variables}
            self.assertEmpty(trained & frozen)
            self.assertEqual(trained | frozen, {variable.path for variable in self.fastbert.variables})


class LossTest(tf.test.TestCase, parameterized.TestCase):
    """`evaluate` equals the loss that NumPy computes from the model's logits."""

    def setUp(self):
        super().setUp()
        self.fastbert = make_fastbert()
        self.log_p = log_softmax(self.fastbert(INPUTS).numpy().astype(np.float64))  # (rows, layers, classes)
        self.correct = self.log_p[np.arange(ROWS), :, LABELS]  # (rows, layers)
        self.accuracy = np.mean(self.log_p[:, -1].argmax(-1) == LABELS)

    def _scores(self, stage, *data, **options):
        return compiled(stage, run_eagerly=True, **options).evaluate(
            *data, batch_size=ROWS, verbose=0, return_dict=True
        )

    def test_fine_tuning(self):
        scores = self._scores(FineTuning(self.fastbert), INPUTS, LABELS, metrics=[accuracy()])
        self.assertAllClose(scores["loss"], -self.correct[:, -1].mean(), rtol=1e-5)
        self.assertAllClose(scores["accuracy"], self.accuracy)

    def test_joint_fine_tuning(self):
        scores = self._scores(JointFineTuning(self.fastbert), INPUTS, LABELS, metrics=[accuracy()])
        self.assertAllClose(scores["loss"], -self.correct.sum(1).mean(), rtol=1e-5)
        self.assertAllClose(scores["accuracy"], self.accuracy)

    def test_sample_weights_count(self):
        """Keras' rule: the weighted sum over the number of rows."""
        weight = np.random.default_rng(4).uniform(0, 2, ROWS).astype(np.float32)
        expected = {FineTuning: self.correct[:, -1], JointFineTuning: self.correct.sum(1)}
        for cls, log_p in expected.items():
            stage = compiled(cls(self.fastbert), run_eagerly=True)
            loss = stage.evaluate(INPUTS, LABELS, batch_size=ROWS, sample_weight=weight, verbose=0)
            self.assertAllClose(loss, -(weight * log_p).mean(), rtol=1e-5)

    @parameterized.parameters("forward", "reverse")
    def test_self_distillation(self, divergence):
        teacher, students = self.log_p[:, -1:], self.log_p[:, :-1]
        pairs = {"forward": (teacher, students), "reverse": (students, teacher)}
        log_p, log_q = pairs[divergence]
        expected = (np.exp(log_p) * (log_p - log_q)).sum((1, 2)).mean()
        scores = self._scores(SelfDistillation(self.fastbert, divergence), INPUTS)
        self.assertAllClose(scores["loss"], expected, rtol=1e-5)


class SelfDistillationTest(tf.test.TestCase):
    def test_no_dropout(self):
        fastbert = make_fastbert()
        stage, other = SelfDistillation(fastbert), FineTuning(fastbert)
        self.assertAllEqual(stage(INPUTS, training=True), stage(INPUTS, training=True))
        self.assertAllClose(stage(INPUTS, training=True), fastbert(INPUTS, training=False), atol=1e-6)
        self.assertNotAllClose(other(INPUTS, training=True), other(INPUTS, training=True))

    def test_labels_are_not_read(self):
        outcomes = []
        for data in ((INPUTS,), (INPUTS, LABELS), (INPUTS, np.full(ROWS, -999))):
            fastbert = make_fastbert()
            stage = compiled(SelfDistillation(fastbert), run_eagerly=True)
            stage.fit(*data, batch_size=8, shuffle=False, verbose=0)
            outcomes.append(np.concatenate([np.ravel(x) for x in bits(fastbert.trainable_variables)]))
        self.assertAllClose(outcomes[0], outcomes[1], atol=1e-6, rtol=0)
        self.assertAllClose(outcomes[0], outcomes[2], atol=1e-6, rtol=0)

    def test_students_learn_to_answer_as_the_teacher(self):
        fastbert = make_fastbert()
        stage = compiled(SelfDistillation(fastbert))
        before = stage.evaluate(INPUTS, verbose=0)
        stage.fit(INPUTS, batch_size=8, epochs=20, verbose=0)
        self.assertLess(stage.evaluate(INPUTS, verbose=0), before / 4)

    def test_needs_a_student(self):
        config = FastBertConfig(BackboneConfig(30, num_layers=1, num_heads=2, hidden_dim=8, intermediate_dim=8), 2)
        with self.assertRaisesRegex(ValueError, "needs at least 2 layers"):
            SelfDistillation(FastBert.from_fastbert_config(config))


class FitByHandTest(tf.test.TestCase):
    def test_as_any_keras_model(self):
        """A rule that can be learned, an optimizer by name, validation rows, a callback, and predictions."""
        keras.utils.set_random_seed(1)
        fastbert = registry.make_fastbert(dropout=0.0)
        labels = np.arange(60, dtype=np.int32) % registry.CLASSES
        inputs = registry.token_inputs(60)
        inputs["token_ids"] = inputs["padding_mask"] * (1 + labels[:, None])  # the word names the class
        stage = FineTuning(fastbert)
        stage.compile(optimizer="adam", metrics=[accuracy()], jit_compile=False)
        stage.optimizer.learning_rate = 2e-2
        data = tf.data.Dataset.from_tensor_slices((inputs, labels)).batch(20)
        stopping = keras.callbacks.EarlyStopping("val_loss", patience=10)
        fitted = stage.fit(data, validation_data=data, epochs=10, callbacks=[stopping], shuffle=False, verbose=0)
        history = fitted.history
        self.assertLess(history["val_loss"][-1], history["val_loss"][0] / 2)
        self.assertGreater(history["val_accuracy"][-1], 0.9)
        self.assertEqual(stage.predict(inputs, verbose=0).shape, (60, registry.CLASSES))
        self.assertAllClose(stage.predict(inputs, verbose=0), fastbert(inputs)[:, -1], atol=1e-5)


def accuracy():
    return keras.metrics.SparseCategoricalAccuracy(name="accuracy")


if __name__ == "__main__":
    tf.test.main()
