"""From a corpus to an encoder that has learned to predict masked words."""

from __future__ import annotations

import json
import tempfile
from dataclasses import fields, replace
from pathlib import Path
from unittest import mock

import tensorflow as tf
from dual_batches import DualBatches
from tiny_checkpoint import HEADS, HIDDEN, write_checkpoint

from fastbert_tf.checkpoints import import_backbone, import_masked_lm
from fastbert_tf.config import BackboneConfig, MaskedLmConfig, PretrainingConfig, StageConfig
from fastbert_tf.data import make_sample_task
from fastbert_tf.recipes.pretrain import pretrain
from fastbert_tf.recipes.pretrain_student import pretrain_student
from fastbert_tf.training import MaskedLmRun
from fastbert_tf.training.training_state import SaveState

RECIPE = "fastbert_tf.recipes.pretrain"
LENGTH = 64  # the tiny checkpoint's
CONFIG = MaskedLmConfig(
    training=StageConfig(epochs=2, learning_rate=0.05),
    prediction_share=0.4,
    dropout=0.0,
    epoch_steps=3,
    held_out_steps=1,
    batch_size=8,
    save_every=2,
)


class Killed(BaseException):
    """Ends a run as a kill would: nothing catches it."""


class PretrainTest(tf.test.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        tf.config.run_functions_eagerly(True)
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.checkpoint = write_checkpoint(cls.folder / "bert", layers=1)
        cls.vocabulary = import_backbone(cls.checkpoint).vocabulary
        cls.shape = BackboneConfig(len(cls.vocabulary), 1, HEADS, 8, 32, dropout=0.3)
        cls.rows = DualBatches(1, len(cls.vocabulary), steps=3)
        texts = make_sample_task(200, 20, 20).train.texts
        cls.corpus, cls.held_out = cls.folder / "corpus.txt", cls.folder / "held_out.txt"
        cls.corpus.write_text("\n".join(texts[:160]))
        cls.held_out.write_text("\n".join(texts[160:]))
        cls.encoder = cls.pretrain_on_rows("run")

    @classmethod
    def tearDownClass(cls):
        tf.config.run_functions_eagerly(False)
        super().tearDownClass()

    @classmethod
    def pretrain(cls, output, **options):
        defaults = {"max_sequence_length": LENGTH, "config": CONFIG}
        if "checkpoint" not in options:
            defaults |= {"shape": cls.shape, "vocabulary": cls.vocabulary}
        corpus, held_out = options.pop("corpus", [cls.corpus]), options.pop("held_out", [cls.held_out])
        return pretrain(corpus, held_out, cls.folder / output, verbose=0, **{**defaults, **options})

    @classmethod
    def pretrain_on_rows(cls, output, **options):
        """On rows that are drawn here: tracing the graphs that make those of a file would take most of the time."""
        with mock.patch.multiple(RECIPE, SegmentedCorpus=mock.DEFAULT, MaskedLmPipeline=lambda *_, **__: cls.rows):
            return cls.pretrain(output, **options)

    def assert_same_weights(self, one, other):
        for first, second in zip(one.get_weights(), other.get_weights(), strict=True):
            self.assertAllEqual(first, second)

    def test_encoder(self):
        imported = import_backbone(self.folder / "run" / "encoder")
        self.assertEqual(imported.backbone.config, replace(self.shape, max_sequence_length=LENGTH))  # its own dropout
        self.assertEqual(imported.vocabulary.tokens, self.vocabulary.tokens)
        self.assertTrue(imported.lower_case)
        self.assert_same_weights(imported.backbone, self.encoder.backbone)
        history = json.loads((self.folder / "run" / "history.json").read_text())
        self.assertEqual([(entry["phase"], entry["epoch"]) for entry in history], [("masked_lm", 1), ("masked_lm", 2)])
        self.assertFalse((self.folder / "run" / "state").exists())
        self.assertTrue(any((self.folder / "run" / "tensorboard").rglob("events*")))

    def test_a_killed_run_goes_on_to_the_same_bits(self):
        seen, commit = [], SaveState.on_train_batch_end

        def end(*arguments, **options):
            seen.append(None)
            if len(seen) == 6:  # the last batch of the second epoch, one after a commit
                raise Killed
            commit(*arguments, **options)

        with mock.patch.object(SaveState, "on_train_batch_end", end), self.assertRaises(Killed):
            self.pretrain_on_rows("killed")
        self.assert_same_weights(self.pretrain_on_rows("killed"), self.encoder)
        with mock.patch.object(MaskedLmRun, "run", side_effect=AssertionError("it was trained already")):
            self.assert_same_weights(self.pretrain("killed"), self.encoder)

    def test_a_student_without_a_teacher_is_the_same(self):
        """`pretrain_student --variant no_kd` takes its shape from a teacher, and nothing else."""
        shared = {field.name: getattr(CONFIG, field.name) for field in fields(MaskedLmConfig)}
        student = pretrain_student(
            self.checkpoint,
            self.vocabulary,
            lambda *_: (DualBatches(len(self.vocabulary), len(self.vocabulary), steps=3), self.rows),
            self.folder / "student",
            PretrainingConfig("no_kd", student_dim=8, **shared),
            verbose=0,
        )
        self.assert_same_weights(student, self.encoder)

    def test_from_a_checkpoint(self):
        """Without an epoch it is saved as it came, with the head that it lacked."""
        config = replace(CONFIG, training=StageConfig(0, 1e-3))
        self.pretrain_on_rows("again", checkpoint=self.checkpoint, config=config)
        imported, start = import_masked_lm(self.folder / "again" / "encoder"), import_backbone(self.checkpoint)
        self.assertTrue(imported.has_head)
        self.assertEqual(imported.model.config.hidden_dim, HIDDEN)
        self.assert_same_weights(imported.model.backbone, start.backbone)

    def test_batches(self):
        """The asked share is masked, and a file named twice counts twice."""
        found = []

        def look(_, network, train, held_out):
            found.extend((train, held_out))
            return []

        with mock.patch.object(MaskedLmRun, "run", look):
            self.pretrain("looked_at", corpus=[self.corpus, self.corpus])
        train, held_out = found
        self.assertEqual((train.steps_per_epoch, held_out.steps_per_epoch), (40, 5))
        batches = list(train.epoch(0))
        predicted = sum(int((batch["student_labels"].numpy() >= 0).sum()) for batch in batches)
        words = sum(int(batch["student_mask"].numpy().sum()) - 2 * 8 for batch in batches)  # less [CLS] and [SEP]
        self.assertAllClose(predicted / words, 0.4, atol=0.05)

    def test_refused_before_training(self):
        (self.folder / "binary").write_bytes(b"text\n\0\1")
        bare = write_checkpoint(self.folder / "bare", layers=1)
        (bare / "vocab.txt").unlink()
        for options, message in (
            ({"checkpoint": self.checkpoint, "shape": self.shape}, "exactly one"),
            ({"shape": None}, "exactly one"),
            ({"vocabulary": None}, "no vocabulary"),
            ({"checkpoint": bare}, "no vocabulary"),
            ({"shape": replace(self.shape, vocabulary_size=9)}, "the token embedding has 9 rows"),
            ({"checkpoint": self.checkpoint, "max_sequence_length": 65}, "reads at most 64 tokens"),
            ({"held_out": [self.folder / "binary"]}, "binary:2 holds a zero byte"),
            ({"corpus": [self.corpus, self.folder / "binary"]}, "binary:2 holds a zero byte"),
            ({"config": replace(CONFIG, batch_size=1000)}, "do not fill a batch of 1000"),
        ):
            with self.subTest(message), self.assertRaisesRegex(ValueError, message):
                self.pretrain("refused_" + message[:6], **options)
        with self.assertRaisesRegex(ValueError, "settings differ in corpus.train"):
            self.pretrain("run", corpus=[self.corpus, self.corpus])
        with self.assertRaisesRegex(ValueError, "absent cannot be read"):
            self.pretrain("refused", corpus=[self.folder / "absent"])
        self.assertFalse((self.folder / "refused").exists())


if __name__ == "__main__":
    tf.test.main()
