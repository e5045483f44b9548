"""A classifier trained on the sample task, for tests of recipes."""

from __future__ import annotations

import tempfile
from pathlib import Path

import tensorflow as tf
from eager_training import eager_training
from tiny_checkpoint import write_checkpoint

from fastbert_tf.config import StageConfig, TrainingConfig
from fastbert_tf.data import make_sample_task
from fastbert_tf.recipes.train import train_classifier


class TrainedSampleCase(tf.test.TestCase):
    """`classifier` is trained once for all tests of a class, in `folder`, as the class says."""

    train_rows = 40
    fine_tuning = distillation = StageConfig(1, 1e-3)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        holder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(holder.cleanup)
        cls.folder = Path(holder.name)
        cls.task = make_sample_task(cls.train_rows, 20, 20)
        cls.checkpoint = write_checkpoint(cls.folder / "bert")
        cls.classifier = cls.train("first")

    @classmethod
    def train(cls, name, seed=0, **options):
        config = TrainingConfig(cls.fine_tuning, cls.distillation, seed=seed, **options.pop("config", {}))
        words = {"branch_dim": 8, "verbose": 0, **options}
        with eager_training():
            return train_classifier(cls.task, cls.folder / name, cls.checkpoint, config=config, **words)
