"""`fastbert distill_student`: from a corpus to a checkpoint directory that learned from its teacher."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf
from command_line import fastbert
from tiny_checkpoint import write_checkpoint

from fastbert_tf.checkpoints import import_backbone
from fastbert_tf.cli.distill_student import _config
from fastbert_tf.cli.main import parse
from fastbert_tf.config import WordDistillationConfig
from fastbert_tf.data import make_sample_task
from fastbert_tf.models import WordEncoder
from fastbert_tf.recipes.distill_student import build_student, require_fitting_words
from fastbert_tf.recipes.dual_corpus import word_batches


class DistillStudentCommandTest(tf.test.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = Path(tempfile.mkdtemp())
        cls.teacher = write_checkpoint(cls.folder / "bert")
        texts = make_sample_task(80, 20, 20).train.texts
        (cls.folder / "train.txt").write_text("\n".join(texts[:60]))
        (cls.folder / "held_out.txt").write_text("\n".join(texts[60:]))

    def setUp(self):
        super().setUp()
        tf.config.run_functions_eagerly(True)
        self.addCleanup(tf.config.run_functions_eagerly, False)

    def distill(self, output, *words):
        return fastbert(
            "distill_student", "--teacher", self.teacher, "--vocabulary", self.teacher / "vocab.txt",
            "--corpus", self.folder / "train.txt", "--held_out", self.folder / "held_out.txt",
            "--output", self.folder / output, "--student_dim", 8, "--batch_size", 8, "--epoch_steps", 2,
            "--held_out_steps", 1, "--max_sequence_length", 24, "--progress", "none", *words,
        )  # fmt: skip

    def test_whole_run(self):
        code, out, err = self.distill("run", "--layer_map", "1,3")
        self.assertEqual(code, 0, err)
        self.assertIn(f"distilled student: {self.folder}/run/student", out)
        history = json.loads((self.folder / "run" / "history.json").read_text())
        self.assertEqual([entry["phase"] for entry in history], ["word_distillation"])
        self.assertLess(history[0]["val_embeddings"], 0.9)  # random weights explain nothing
        config = import_backbone(self.folder / "run" / "student").backbone.config
        self.assertEqual((config.num_layers, config.hidden_dim, config.num_heads), (2, 8, 1))
        self.assertFalse((self.folder / "run" / "state").exists())
        weights = (self.folder / "run" / "student" / "model.safetensors").read_bytes()
        code, out, _ = self.distill("run", "--layer_map", "1,3")
        self.assertIn("is trained already", out)
        self.assertEqual(weights, (self.folder / "run" / "student" / "model.safetensors").read_bytes())
        code, _, err = self.distill("run")
        self.assertEqual(code, 1)
        self.assertIn("settings differ in distillation.layer_map", err)

    def test_random_start(self):
        needed = ["--teacher", "a", "--vocabulary", "b", "--corpus", "c", "--held_out", "d", "--output", "e"]
        arguments = parse(["fastbert", "distill_student", *needed, "--random_start", "--student_heads", "4"])
        self.assertEqual(_config(arguments), WordDistillationConfig(inherit=False, student_heads=4))

    def test_refused_before_any_work(self):
        for words, message in (
            (("--student_dim", 9, "--student_heads", 2), "9 wide cannot have 2 heads"),
            (("--student_dim", 16), "below the teacher's 16"),
            (("--layer_map", "1,9"), "layers 1 to 3, rising"),
            (("--student_heads", 4), "heads are as wide as the teacher's"),
            (("--learning_rate", 0), "learning_rate must be positive"),
            (("--vocabulary", self.folder / "none.txt"), "none.txt cannot be read"),
        ):
            code, _, err = self.distill("never", *words)
            self.assertEqual(code, 1, message)
            self.assertIn(message, err)
        self.assertFalse((self.folder / "never").exists())

    def test_batches_that_do_not_fit(self):
        imported = import_backbone(self.teacher)
        student = build_student(
            imported.backbone.config, len(imported.vocabulary), WordDistillationConfig(student_dim=8)
        )
        files = [self.folder / "train.txt"]
        train, _ = word_batches(files, files, 8, 24)(imported.vocabulary, imported.vocabulary, True)
        batch = {name: value.numpy() for name, value in next(iter(train.epoch(0))).items()}
        guide = WordEncoder(imported.backbone)
        require_fitting_words(batch, guide, student)
        for name, value, message in (
            ("word_mask", None, "must hold word_mask"),
            ("student_ids", 10_000, "student_ids must be 0 to"),
            ("teacher_ids", -1, "teacher_ids must be 0 to"),
            ("student_words", 1, "student_words number other words"),
        ):
            bad = {key: value for key, value in batch.items() if key != name}
            if value is not None:
                bad[name] = np.full_like(batch[name], value)
            with self.assertRaisesRegex(ValueError, message):
                require_fitting_words(bad, guide, student)
        longer = {name: np.pad(value, ((0, 0), (0, 60))) for name, value in batch.items()}
        with self.assertRaisesRegex(ValueError, "the teacher reads at most 64"):
            require_fitting_words(longer, guide, student)


if __name__ == "__main__":
    tf.test.main()
