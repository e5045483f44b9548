"""Training starts from the student that ships with the package, where nothing else is named."""

from pathlib import Path
from unittest import mock

import tensorflow as tf
from tiny_checkpoint import write_checkpoint

from fastbert_tf.checkpoints import builtin, import_backbone
from fastbert_tf.config import BackboneConfig, StageConfig, TrainingConfig
from fastbert_tf.data import make_sample_task
from fastbert_tf.recipes.train import default_branch_dim, default_training, train_classifier

NO_STEPS = TrainingConfig(fine_tuning=StageConfig(0, 1e-3), distillation=StageConfig(0, 1e-3))


class BuiltinStartTest(tf.test.TestCase):
    def test_no_checkpoint_and_no_shape(self):
        folder = Path(self.get_temp_dir())
        shipped = write_checkpoint(folder / "shipped")
        with mock.patch.object(builtin, "BUILTIN_FOLDER", shipped):
            classifier = train_classifier(make_sample_task(40, 20, 20), folder / "run", config=NO_STEPS)
        imported = import_backbone(shipped)
        self.assertEqual(classifier.model.config.branch_dim, default_branch_dim(imported.backbone.config.hidden_dim, 2))
        self.assertEqual(classifier.tokenizer.vocabulary.tokens, imported.vocabulary.tokens)
        for one, other in zip(classifier.model.backbone.weights, imported.backbone.weights, strict=True):
            self.assertAllEqual(one, other)

    def test_its_learning_rates_are_its_own(self):
        narrow, plain = default_training(), TrainingConfig()
        self.assertEqual(default_training("builtin"), narrow)
        self.assertGreater(narrow.fine_tuning.learning_rate, plain.fine_tuning.learning_rate)
        self.assertEqual(default_training("some/bert"), plain)
        self.assertEqual(default_training(None, BackboneConfig(10, 1, 1, 8, 16)), plain)

    def test_branches_of_a_narrow_encoder_are_narrow(self):
        widths = {768: 128, 384: 128, 192: 64, 100: 32, 48: 16, 8: 2, 3: 2}
        self.assertEqual({width: default_branch_dim(width, 2) for width in widths}, widths)
        self.assertEqual([default_branch_dim(192, heads) for heads in (1, 3, 5, 100)], [64, 63, 60, 100])


if __name__ == "__main__":
    tf.test.main()
