"""What tests of commands share: a folder with a checkpoint, tables and a trained classifier."""

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

import tensorflow as tf
from command_line import fastbert
from eager_training import eager_training
from tiny_checkpoint import write_checkpoint, write_tables

COLUMNS = ["--text", "sentence", "--label", "label"]


@functools.cache
def job_folder():
    """A checkpoint and tables, for all tests here."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    write_checkpoint(folder / "bert")
    write_tables(folder)
    return folder


def train_words(folder):
    return [
        "train", "--train", folder / "train.tsv", *COLUMNS, "--checkpoint", folder / "bert",
        "--epochs", 1, "--distillation_epochs", 1, "--branch_dim", 8, "--progress", "none",
        "--max_sequence_length", 32,
    ]  # fmt: skip


@functools.cache
def trained():
    """What the one training run said that all tests share."""
    return fastbert(*train_words(job_folder()), "--output", job_folder() / "run")


class CommandTestCase(tf.test.TestCase):
    """One trained classifier for all tests of a process, and a folder to work in."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        patched = eager_training()
        patched.start()
        cls.addClassCleanup(patched.stop)
        cls.folder = job_folder()
        cls.checkpoint = cls.folder / "bert"
        cls.train_words = train_words(cls.folder)
        cls.run_folder = cls.folder / "run"
        cls.trained = trained()
        cls.classifier = cls.run_folder / "classifier"

    def assert_refused(self, words, *expected):
        """Checks for exit code 1 and one line on stderr that holds the expected words."""
        code, _, err = fastbert(*words)
        self.assertEqual(code, 1, err)
        self.assertLen(err.strip().splitlines(), 1, err)
        for word in expected:
            self.assertIn(str(word), err)
