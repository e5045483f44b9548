"""`fastbert pretrain_student`: from a corpus to a checkpoint directory."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import tensorflow as tf
from command_line import fastbert
from tiny_checkpoint import write_checkpoint

from fastbert_tf.checkpoints import import_backbone
from fastbert_tf.data import make_sample_task


class PretrainStudentCommandTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = Path(self.get_temp_dir())
        self.teacher = write_checkpoint(self.folder / "bert")
        texts = make_sample_task(200, 20, 20).train.texts
        with gzip.open(self.folder / "train.txt.gz", "wt") as file:
            file.write("\n".join(texts[:160]))
        (self.folder / "held_out.txt").write_text("\n".join(texts[160:]))
        tf.config.run_functions_eagerly(True)
        self.addCleanup(tf.config.run_functions_eagerly, False)

    def pretrain(self, *words):
        return fastbert(
            "pretrain_student", "--teacher", self.teacher, "--vocabulary", self.teacher / "vocab.txt",
            "--corpus", self.folder / "train.txt.gz", "--held_out", self.folder / "held_out.txt",
            "--output", self.folder / "run", "--student_dim", 8, "--batch_size", 8, "--epoch_steps", 2,
            "--held_out_steps", 1, "--max_sequence_length", 24, "--progress", "none", *words,
        )  # fmt: skip

    def test_whole_run(self):
        code, out, err = self.pretrain("--variant", "shared_proj_up", "--layer_map", "1,3")
        self.assertEqual(code, 0, err)
        self.assertIn(f"pretrained student: {self.folder}/run/student", out)
        history = json.loads((self.folder / "run" / "history.json").read_text())
        self.assertEqual([entry["phase"] for entry in history], ["head_warmup", "shared_proj_up"])
        self.assertEqual(history[-1]["unpredicted"], 0)
        imported = import_backbone(self.folder / "run" / "student")
        self.assertEqual((imported.backbone.config.num_layers, imported.backbone.config.hidden_dim), (2, 8))
        code, _, err = self.pretrain("--variant", "dual_train")
        self.assertEqual(code, 1)
        self.assertIn("settings differ in ", err)

    def test_refused_before_any_work(self):
        for words, message in (
            (("--p_dt", 1.5), "p_dt must be in [0, 1]"),
            (("--student_dim", 9), "9 wide cannot have 2 heads"),
            (("--layer_map", "1,9"), "layers 1 to 3, rising"),
        ):
            code, _, err = self.pretrain(*words)
            self.assertEqual(code, 1)
            self.assertIn(message, err)
        self.assertFalse((self.folder / "run").exists())


if __name__ == "__main__":
    tf.test.main()
