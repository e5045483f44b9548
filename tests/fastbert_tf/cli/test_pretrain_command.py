"""`fastbert texts` and `fastbert pretrain`: from a task's texts to an encoder."""

from __future__ import annotations

import json
from pathlib import Path

import tensorflow as tf
from command_line import fastbert

from fastbert_tf.checkpoints import import_backbone
from fastbert_tf.data import make_sample_task


class PretrainCommandTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = Path(self.get_temp_dir())
        make_sample_task(20, 20, 20).vocabulary.save(self.folder / "vocab.txt")
        tf.config.run_functions_eagerly(True)
        self.addCleanup(tf.config.run_functions_eagerly, False)

    def pretrain(self, *words):
        return fastbert(
            "pretrain", "--corpus", self.folder / "texts" / "train.txt", "--held_out",
            self.folder / "texts" / "held_out.txt", "--output", self.folder / "run", "--batch_size", 8,
            "--epoch_steps", 1, "--held_out_steps", 1, "--max_sequence_length", 24, "--progress", "none", *words,
        )  # fmt: skip

    def test_whole_run(self):
        code, out, err = fastbert("texts", "--task", "sample", "--output", self.folder / "texts", "--held_out", 0.1)
        self.assertEqual(code, 0, err)
        self.assertRegex(out, r"[\d,]+ texts, [\d,]+ held out; \d+ left out")
        start = "--shape", "1,8,2", "--vocabulary", self.folder / "vocab.txt"
        code, out, err = self.pretrain(*start, "--prediction_share", 0.3)
        self.assertEqual(code, 0, err)
        self.assertIn(f"pretrained encoder: {self.folder}/run/encoder", out)
        asked = json.loads((self.folder / "run" / "settings.json").read_text())
        self.assertEqual(asked["pretraining"]["prediction_share"], 0.3)
        config = import_backbone(self.folder / "run" / "encoder").backbone.config
        self.assertEqual((config.num_layers, config.hidden_dim, config.max_sequence_length), (1, 8, 24))
        for words, message in (
            (start, "settings differ in pretraining.prediction_share"),
            (("--shape", "1,8,2"), "a random start needs a vocabulary"),
            (("--vocabulary", self.folder / "vocab.txt"), "exactly one"),
            ((*start, "--checkpoint", self.folder), "exactly one"),
            ((*start, "--dropout", 1), "dropout must be in [0, 1)"),
        ):
            code, _, err = self.pretrain(*words)
            self.assertEqual(code, 1, message)
            self.assertIn(message, err)

    def test_texts_refused(self):
        for words, message in (
            (("--data_dir", self.folder), "--data_dir is where named tasks lie"),
            (("--held_out", 2), "held_out must be in (0, 1)"),
            (("--calibration_rows", 10**6), "a split of"),
        ):
            code, _, err = fastbert("texts", "--task", "sample", "--output", self.folder / "texts", *words)
            self.assertEqual(code, 1)
            self.assertIn(message, err)
        self.assertFalse((self.folder / "texts").exists())


if __name__ == "__main__":
    tf.test.main()
