"""`fastbert train`, killed and called again, ends where an undisturbed run ends, bit for bit."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import tensorflow as tf
from tiny_checkpoint import write_checkpoint, write_tables

from fastbert_tf.checkpoints import load_classifier

DRIVER = Path(__file__).with_name("killed_driver.py")


@unittest.skipUnless(hasattr(os, "fork"), "the driver forks")
class KilledTrainingTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        write_checkpoint(self.folder / "bert", layers=2)
        write_tables(self.folder, rows=160)

    def run_and_kill(self):
        words = [
            "train", "--train", self.folder / "train.tsv", "--dev", self.folder / "dev.tsv",
            "--text", "sentence", "--label", "label", "--checkpoint", self.folder / "bert",
            "--epochs", 1, "--distillation_epochs", 2, "--batch_size", 8, "--save_every", 2, "--branch_dim", 8,
            "--max_sequence_length", 32, "--deterministic", "--progress", "none",
        ]  # fmt: skip
        driver = subprocess.run(
            [sys.executable, "-W", "ignore", str(DRIVER), str(self.folder), *map(str, words)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "CUDA_VISIBLE_DEVICES": ""},
            capture_output=True,
            text=True,
        )
        self.assertEqual(driver.returncode, 0, driver.stderr[-3000:])
        return json.loads(driver.stdout.splitlines()[-1])

    def test_three_kills(self):
        """One in the middle of each stage, one as soon as the trained model is there."""
        report = self.run_and_kill()
        undisturbed, killed = self.folder / "undisturbed", self.folder / "killed"
        self.assertEqual([position["phase"] for position in report["stopped_at"]], [0, 1])
        self.assertEqual(report["had_model"], [False, False])
        self.assertIn("trained already", report["said"])
        self.assertFalse((killed / "state").exists())
        weights = [load_classifier(run / "classifier").model.get_weights() for run in (undisturbed, killed)]
        for expected, got in zip(*weights, strict=True):
            self.assertAllEqual(expected, got)
        histories = [json.loads((run / "history.json").read_text()) for run in (undisturbed, killed)]
        for expected, got in zip(*histories, strict=True):
            self.assertEqual(expected["val_loss"], got["val_loss"])


if __name__ == "__main__":
    tf.test.main()
