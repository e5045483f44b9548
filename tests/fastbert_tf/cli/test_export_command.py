"""`fastbert export` with an evaluation: of the same model, in the same precision."""

import tensorflow as tf
from command_case import COLUMNS, CommandTestCase
from command_line import fastbert

from fastbert_serving.manifest import Manifest
from fastbert_tf.checkpoints import load_classifier, save_classifier


class ExportCommandTest(CommandTestCase):
    def test_int8_from_evaluation_to_export(self):
        """The same calibration rows for both commands: the table, whose columns evaluate knows from its data."""
        evaluation, export = self.folder / "int8_evaluation", self.folder / "int8_export"
        table = ["--precision", "int8", "--calibration", self.folder / "train.tsv", "--text", "sentence"]
        words = ["--data", self.folder / "dev.tsv", "--label", "label", "--speeds", "0,1", "--latency_rows", 0]
        code, out, err = fastbert("evaluate", "--model", self.classifier, *words, *table, "--output", evaluation)
        self.assertEqual(code, 0, err)
        self.assertIn("packed graph in int8", out)
        words = ["--evaluation", evaluation, "--lowest_accuracy", 0.1, "--exits", "all"]
        code, out, err = fastbert("export", "--model", self.classifier, *words, *table, "--output", export)
        self.assertEqual(code, 0, err)
        manifest = Manifest.read(export / "1")
        self.assertEqual((manifest.precision, manifest.lowest_accuracy), ("int8", 0.1))

    def test_evaluation_of_another_model(self):
        evaluation = self.folder / "foreign"
        words = ["--data", self.folder / "dev.tsv", *COLUMNS, "--latency_rows", 0, "--output", evaluation]
        self.assertEqual(fastbert("evaluate", "--model", self.classifier, *words)[0], 0)
        other = load_classifier(self.classifier)
        other.model.teacher.classifier.bias.assign_add([1e-3, 0.0])
        model = save_classifier(other, self.folder / "other")
        export = ["export", "--model", model, "--evaluation", evaluation, "--output", self.folder / "never"]
        self.assert_refused(export, evaluation, "another model")
        self.assertFalse((self.folder / "never").exists())


if __name__ == "__main__":
    tf.test.main()
