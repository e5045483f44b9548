"""Word distillation: its loss, whom it moves, and that a kill changes no bit."""

from pathlib import Path

import keras
import numpy as np
import registry
import tensorflow as tf
from killed_run import killed_at
from tensorflow.python.framework import config as framework_config

from fastbert_tf.config import StageConfig, WordDistillationConfig
from fastbert_tf.training import WordDistillation, WordDistillationRun

BATCH = registry.word_batch()
CONFIG = WordDistillationConfig(training=StageConfig(2, 1e-2), epoch_steps=3, held_out_steps=1, save_every=2)


def make_student(depth=1):
    keras.utils.set_random_seed(0)
    student = registry.make_word_student(dropout=0.0, depth=depth)
    registry.spread(student)
    return student


def compiled(stage):
    """Eagerly: tracing takes longer than some steps."""
    stage.compile(optimizer=keras.optimizers.SGD(0.1), run_eagerly=True)
    return stage


def share(targets, predictions):
    return np.square(targets - predictions).sum() / np.square(targets - targets.mean(0)).sum()


class Batches:
    """The registered batch, its rows rolled by a number drawn from the seed."""

    steps_per_epoch = 6

    def epoch(self, seed, skip=0):
        shifts = np.random.default_rng(seed).integers(0, 100, 6)
        rolled = {name: np.stack([np.roll(value, shift, 0) for shift in shifts]) for name, value in BATCH.items()}
        return tf.data.Dataset.from_tensor_slices(rolled).skip(skip)

    def ordered(self):
        return self.epoch(0)


class WordDistillationTest(tf.test.TestCase):
    def test_loss_against_numpy(self):
        student, teacher = make_student(depth=2), registry.make_word_teacher(depth=3)
        stage = compiled(WordDistillation(student, teacher, layer_map=[1, 3]))
        found = stage.evaluate(BATCH, verbose=0, return_dict=True, batch_size=registry.BATCH)
        sides = {side: registry.word_inputs(side) for side in ("teacher", "student")}
        taught = [np.array(state, np.float64) for state in teacher(sides["teacher"])]
        learned = [np.array(state, np.float64) for state in student(sides["student"])]
        is_word = BATCH["word_mask"] == 1
        words = [
            share(taught[level][:, :-1][is_word], ours[:, :-1][is_word])
            for level, ours in zip((0, 1, 3), learned, strict=True)
        ]
        rows = share(taught[3][:, -1], learned[2][:, -1])
        self.assertAllClose(found["embeddings"], words[0], rtol=1e-4)
        self.assertAllClose(found["last_layer"], words[2], rtol=1e-4)
        self.assertAllClose(found["rows"], rows, rtol=1e-4)
        self.assertAllClose(found["loss"], np.mean(words) + rows, rtol=1e-4)

    def test_only_the_student_moves_and_it_learns(self):
        student, teacher = make_student(), registry.make_word_teacher()
        stage = compiled(WordDistillation(student, teacher))
        before = {model: [np.array(weight) for weight in model.weights] for model in (student, teacher)}
        losses = [stage.train_on_batch(BATCH, return_dict=True)["loss"] for _ in range(6)]
        self.assertLess(losses[-1], losses[0])
        for weight, old in zip(teacher.weights, before[teacher], strict=True):
            self.assertAllEqual(weight, old)
        for weight, old in zip(student.weights, before[student], strict=True):
            if not weight.path.endswith(registry.KEY_BIAS):
                self.assertNotAllEqual(weight, old, weight.path)

    def test_models_that_do_not_fit(self):
        student, teacher = make_student(), registry.make_word_teacher()
        for pair in ((teacher, teacher), (student, student)):
            with self.assertRaisesRegex(ValueError, "set lifted_dim"):
                WordDistillation(*pair)
        with self.assertRaisesRegex(ValueError, "give a layer map"):
            WordDistillation(student, registry.make_word_teacher(depth=2))


class WordDistillationRunTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = Path(self.get_temp_dir())
        tf.config.run_functions_eagerly(True)
        tf.config.experimental.enable_op_determinism()
        self.addCleanup(tf.config.run_functions_eagerly, False)
        self.addCleanup(framework_config.disable_op_determinism)

    def run_in(self, name, student, config=CONFIG):
        run = WordDistillationRun(config, self.folder / name, verbose=0)
        return run.run(student, registry.make_word_teacher(), Batches(), Batches())

    def test_a_kill_changes_no_bit(self):
        undisturbed, resumed = make_student(), make_student()
        history = self.run_in("undisturbed", undisturbed)
        self.assertEqual([(entry["phase"], entry["epoch"]) for entry in history],
                         [("word_distillation", 1), ("word_distillation", 2)])  # fmt: skip
        with killed_at(6):
            self.run_in("killed", make_student())
        self.run_in("killed", resumed)
        for one, other in zip(undisturbed.variables, resumed.variables, strict=True):
            self.assertAllEqual(one, other, one.path)

    def test_another_run_is_refused(self):
        with killed_at(2):
            self.run_in("other", make_student())
        other = WordDistillationConfig.from_dict({**CONFIG.to_dict(), "seed": 1})
        with self.assertRaisesRegex(ValueError, "settings differ in seed"):
            self.run_in("other", make_student(), other)


if __name__ == "__main__":
    tf.test.main()
