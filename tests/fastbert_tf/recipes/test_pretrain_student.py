"""From a teacher without a head to a student that `train_classifier` starts from."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from dual_batches import DualBatches
from tiny_checkpoint import HEADS, LAYERS, write_checkpoint

from fastbert_tf.checkpoints import import_backbone, import_masked_lm
from fastbert_tf.config import PretrainingConfig, StageConfig
from fastbert_tf.recipes.pretrain_student import build_networks, pretrain_student, require_fitting_batch
from fastbert_tokenizers import Vocabulary

VOCABULARY = Vocabulary(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmno"])
ONE_EPOCH = StageConfig(epochs=1, learning_rate=0.01)
CONFIG = PretrainingConfig(
    variant="shared_proj_down",
    student_dim=8,
    head_warmup=ONE_EPOCH,
    training=ONE_EPOCH,
    batch_size=4,
    epoch_steps=2,
    held_out_steps=1,
)


class PretrainStudentTest(tf.test.TestCase, parameterized.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        tf.config.run_functions_eagerly(True)
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.teacher = write_checkpoint(cls.folder / "bert")
        cls.asked = []
        cls.student = cls.pretrain("run")

    @classmethod
    def tearDownClass(cls):
        tf.config.run_functions_eagerly(False)
        super().tearDownClass()

    @classmethod
    def make_batches(cls, teacher, student, lower_case, p_dt):
        cls.asked.append((len(teacher), len(student), lower_case, p_dt))
        batches = DualBatches(len(teacher), len(student), p_dt, rows=4)
        return batches, batches

    @classmethod
    def pretrain(cls, output, config=CONFIG, **options):
        teacher = options.pop("teacher", cls.teacher)
        return pretrain_student(
            teacher, VOCABULARY, cls.make_batches, cls.folder / output, config, verbose=0, **options
        )

    def test_student(self):
        config = self.student.config
        self.assertEqual((config.hidden_dim, config.vocabulary_size), (8, 20))
        self.assertEqual((config.num_layers, config.num_heads, config.intermediate_dim), (LAYERS, HEADS, 32))
        imported = import_backbone(self.folder / "run" / "student")
        self.assertEqual(imported.vocabulary.tokens, VOCABULARY.tokens)
        self.assertTrue(imported.lower_case)

    def test_phases_and_batches(self):
        history = json.loads((self.folder / "run" / "history.json").read_text())
        self.assertEqual([entry["phase"] for entry in history], ["head_warmup", "shared_proj_down"])
        size = len(import_backbone(self.teacher).vocabulary)
        self.assertEqual(self.asked[:2], [(size, 20, True, 0.5), (size, 20, True, 0.0)])
        self.assertFalse((self.folder / "run" / "state").exists())
        self.assertTrue(any((self.folder / "run" / "tensorboard").rglob("events*")))

    def test_a_finished_run_is_not_repeated(self):
        before, asked = self.student.get_weights(), len(self.asked)
        again = self.pretrain("run")
        self.assertLen(self.asked, asked)
        for one, other in zip(before, again.get_weights(), strict=True):
            self.assertAllEqual(one, other)

    def test_the_seed_decides_the_result(self):
        again = self.pretrain("again")
        for one, other in zip(self.student.get_weights(), again.get_weights(), strict=True):
            self.assertAllEqual(one, other)

    def test_other_settings_are_refused(self):
        with self.assertRaisesRegex(ValueError, "settings differ in pretraining.epsilon"):
            self.pretrain("run", PretrainingConfig.from_dict({**CONFIG.to_dict(), "epsilon": 2.0}))
        with self.assertRaisesRegex(ValueError, "settings differ in corpus.files"):
            self.pretrain("run", corpus={"files": ["other"]})

    def test_a_teacher_with_a_head_is_not_warmed_up(self):
        """Here the student of the first run teaches a narrower one."""
        config = PretrainingConfig.from_dict({**CONFIG.to_dict(), "student_dim": 4, "variant": "dual_train"})
        self.pretrain("second", config, teacher=self.folder / "run" / "student")
        history = json.loads((self.folder / "second" / "history.json").read_text())
        self.assertEqual([entry["phase"] for entry in history], ["dual_train"])

    def test_the_student_starts_the_same_in_every_variant(self):
        teacher = import_masked_lm(self.teacher).model
        weights = {}
        for variant in ("no_kd", "dual_train", "shared_proj_up"):
            config = PretrainingConfig.from_dict({**CONFIG.to_dict(), "variant": variant})
            weights[variant] = [np.array(v) for v in build_networks(teacher, 20, config)[0].variables]
        for variant, values in weights.items():
            for one, other in zip(weights["no_kd"], values, strict=True):
                self.assertAllEqual(one, other, variant)

    def test_layers_by_a_map(self):
        teacher = import_masked_lm(self.teacher).model
        config = PretrainingConfig.from_dict({**CONFIG.to_dict(), "layer_map": [1, 3]})
        student, dual = build_networks(teacher, 20, config)
        self.assertEqual((student.config.num_layers, dual.layer_map), (2, (1, 3)))
        with self.assertRaisesRegex(ValueError, "layers 1 to 3, rising"):
            build_networks(teacher, 20, PretrainingConfig.from_dict({**CONFIG.to_dict(), "layer_map": [1, 4]}))

    @parameterized.parameters(
        ("student_mask", None, "must hold student_mask"),
        ("student_ids", 20, "student_ids must be 0 to 19"),
        ("student_labels", 20, "student_ids must be 0 to 19"),
        ("teacher_ids", 10_000, "teacher_ids must be 0 to"),
        ("teacher_ids", -1, "teacher_ids must be 0 to"),
    )
    def test_batches_that_do_not_fit(self, name, value, message):
        teacher = import_masked_lm(self.teacher).model
        student, _ = build_networks(teacher, 20, CONFIG)
        batch = next(DualBatches(teacher.config.vocabulary_size, 20).epoch(0).as_numpy_iterator())
        require_fitting_batch(batch, teacher, student)
        if value is None:
            del batch[name]
        else:
            batch[name] = np.full_like(batch[name], value)
        with self.assertRaisesRegex(ValueError, message):
            require_fitting_batch(batch, teacher, student)

    def test_rows_that_are_too_long(self):
        teacher = import_masked_lm(self.teacher).model
        student, _ = build_networks(teacher, 20, CONFIG)
        batch = next(iter(DualBatches(teacher.config.vocabulary_size, 20, length=65).epoch(0)))
        with self.assertRaisesRegex(ValueError, "65 tokens long, but the teacher reads at most 64"):
            require_fitting_batch(batch, teacher, student)

    def test_a_teacher_without_a_vocabulary(self):
        bare = write_checkpoint(self.folder / "bare")
        (bare / "vocab.txt").unlink()
        with self.assertRaisesRegex(ValueError, "has no vocab.txt"):
            self.pretrain("bare_run", teacher=bare)


if __name__ == "__main__":
    tf.test.main()
