"""`fastbert export_litert`, from the command line to a folder that answers."""

import sys
import tempfile
from pathlib import Path

import tensorflow as tf
from command_line import fastbert

sys.path.insert(0, str(Path(__file__).parents[1] / "export"))
from small_classifier import LABELS, TEXTS, small_model, small_tokenizer

from fastbert_tf.checkpoints import SavedClassifier, save_classifier
from fastbert_tf.device import DeviceClassifier


class ExportLitertTest(tf.test.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        holder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(holder.cleanup)
        cls.folder = Path(holder.name)
        classifier = cls.folder / "classifier"
        save_classifier(SavedClassifier(small_model(num_layers=3), small_tokenizer(), LABELS, False), classifier)
        cls.words = ("export_litert", "--model", classifier, "--output")

    def test_writes_a_folder_that_answers_at_the_chosen_exits(self):
        folder = self.folder / "lite"
        words = (*self.words, folder, "--precision", "float16", "--exits", "2,3", "--default_speed", 0.3)
        code, out, _ = fastbert(*words)
        self.assertEqual(code, 0)
        self.assertIn(f"model.tflite: {(folder / 'model.tflite').stat().st_size:,} bytes", out)
        lite = DeviceClassifier(folder)
        self.assertEqual({lite(text, speed=speed).exit_layer for text in TEXTS for speed in (0, 0.5, 1)}, {2, 3})
        found = {name: lite.manifest[name] for name in ("exits", "default_speed", "precision")}
        self.assertEqual(found, {"exits": [2, 3], "default_speed": 0.3, "precision": "float16"})
        code, _, err = fastbert(*words)
        self.assertEqual(code, 1)
        self.assertIn("holds an export; choose another folder, or pass overwrite", err)

    def test_faults_are_one_line(self):
        for words, message in (
            (("--exits", "auto"), "exits of a LiteRT file must be all, or layers"),
            (("--exits", "2.5"), "exits must be auto, all, or layers with commas between"),
            (("--default_speed", 2), "default_speed must be in [0, 1], but is 2.0"),
        ):
            code, _, err = fastbert(*self.words, self.folder / "none", *words)
            self.assertEqual(code, 1)
            self.assertIn(message, err)
            self.assertLen(err.strip().splitlines(), 1)
            self.assertFalse((self.folder / "none").exists())


if __name__ == "__main__":
    tf.test.main()
