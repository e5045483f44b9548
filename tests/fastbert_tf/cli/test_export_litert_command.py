"""`fastbert export_litert`, from the command line to a folder that answers."""

import sys
import tempfile
from pathlib import Path

import tensorflow as tf
from command_line import fastbert

sys.path.insert(0, str(Path(__file__).parents[1] / "export"))
from small_classifier import LABELS, small_model, small_tokenizer

from fastbert_tf.checkpoints import SavedClassifier, save_classifier
from fastbert_tf.device import DeviceClassifier


class ExportLitertTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = Path(holder.name)
        self.classifier = self.folder / "classifier"
        save_classifier(SavedClassifier(small_model(), small_tokenizer(), LABELS, False), self.classifier)
        self.words = ("export_litert", "--model", self.classifier, "--output", self.folder / "lite")

    def test_writes_a_folder_that_answers(self):
        code, out, _ = fastbert(*self.words, "--precision", "int8", "--exits", "2,4", "--default_speed", 0.3)
        self.assertEqual(code, 0)
        size = (self.folder / "lite" / "model.tflite").stat().st_size
        self.assertIn(f"model.tflite: {size:,} bytes", out)
        lite = DeviceClassifier(self.folder / "lite")
        self.assertIn(lite("a great film").exit_layer, (2, 4))
        self.assertEqual(lite.manifest["default_speed"], 0.3)

    def test_faults_are_one_line(self):
        for words, message in (
            ((*self.words, "--exits", "auto"), "exits of a LiteRT file must be all, or layers"),
            ((*self.words, "--exits", "2,3"), "the last exit must be the model's last layer 4"),
            ((*self.words, "--default_speed", 2), "default_speed must be in [0, 1], but is 2.0"),
            ((*self.words[:2], self.folder / "none", *self.words[3:]), "none"),
        ):
            code, _, err = fastbert(*words)
            self.assertEqual(code, 1)
            self.assertIn(message, err)
            self.assertLen(err.strip().splitlines(), 1)
            self.assertFalse((self.folder / "lite").exists())


if __name__ == "__main__":
    tf.test.main()
