"""What the recipes refuse, and what they leave beside the trained model."""

import json
import tempfile
from pathlib import Path
from unittest import mock

import tensorflow as tf
from eager_training import eager_training
from tiny_checkpoint import write_checkpoint

from fastbert_serving.manifest import Exits, Manifest
from fastbert_tf.config import StageConfig, TrainingConfig
from fastbert_tf.data import TextDataset, make_sample_task
from fastbert_tf.evaluation import ExitCosts, read_report
from fastbert_tf.recipes import exits as exits_module
from fastbert_tf.recipes.evaluate import evaluate_classifier
from fastbert_tf.recipes.exits import exits_in_words
from fastbert_tf.recipes.export import export_classifier
from fastbert_tf.recipes.predict import Predictor
from fastbert_tf.recipes.train import train_classifier


class RecipesTest(tf.test.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        holder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(holder.cleanup)
        cls.folder = Path(holder.name)
        cls.task = make_sample_task(40, 20, 20)
        cls.checkpoint = write_checkpoint(cls.folder / "bert")
        cls.classifier = cls.train("first")
        cls.last = cls.classifier.model.config.backbone.num_layers

    @classmethod
    def train(cls, name, seed=0, **options):
        config = TrainingConfig(StageConfig(1, 1e-3), StageConfig(1, 1e-3), seed=seed, **options.pop("config", {}))
        words = {"branch_dim": 8, "verbose": 0, **options}
        with eager_training():
            return train_classifier(cls.task, cls.folder / name, cls.checkpoint, config=config, **words)

    def evaluate(self, classifier, name):
        evaluate_classifier(classifier, self.task.test, self.folder / name, "sample", speeds=[0.5], latency_rows=0)
        return self.folder / name

    def test_an_evaluation_belongs_to_one_model(self):
        evaluation = self.evaluate(self.classifier, "evaluation")
        other = self.train("other", seed=1)  # the same shape, labels and vocabulary
        with self.assertRaisesRegex(ValueError, f"{evaluation} evaluated another model; evaluate this one"):
            export_classifier(other, self.folder / "export", evaluation=evaluation)
        self.assertFalse((self.folder / "export").exists())
        version = export_classifier(self.classifier, self.folder / "export", evaluation=evaluation, exits="all")
        manifest = json.loads((version / "assets.extra" / "manifest.json").read_text())
        self.assertEqual(manifest["curve"], read_report(evaluation).curve.to_dict())
        self.assertNotIn("exits", manifest)
        self.assertEqual(manifest["precision"], "float32")
        self.assertEqual(exits_in_words(version), "exits: all branches are on")

    def test_exits_by_measurement(self):
        """With made-up costs: free exits are on, dear ones are left out, and the curve is that of what is on."""
        evaluation = self.evaluate(self.classifier, "measured")
        for step, words in ((0.0, "exits: after layer 1"), (100.0, "exits: none, .* cost more than they save")):
            costs = ExitCosts(1, (1,), (0.0,), (10.0,), (0.0,), (step,), (0.0,))
            with mock.patch.object(exits_module, "measure_exit_costs", lambda *_, costs=costs: (costs,)):
                version = export_classifier(
                    self.classifier, self.folder / "measured_export", evaluation=evaluation, default_speed=1.0,
                    exits="auto", overwrite=True,
                )  # fmt: skip
            self.assertRegex(exits_in_words(version), words)
            manifest = Manifest.read(version)
            self.assertEqual(manifest.exits.chosen_by, "measurement")
            self.assertEqual(manifest.exits.costs, (costs.to_dict(),))
            (point,) = manifest.curve["points"]
            off = [rows for layer, rows in enumerate(point["exit_layers"], 1) if layer not in manifest.exits.layers]
            self.assertEqual(sum(off), 0)
            self.assertEqual(sum(point["exit_layers"]), 20)

    def test_exits_are_measured_on_this_machine(self):
        evaluation = self.evaluate(self.classifier, "timed")
        version = export_classifier(self.classifier, self.folder / "timed_export", evaluation=evaluation, exits="auto")
        exits = Manifest.read(version).exits
        self.assertEqual(exits.chosen_by, "measurement")
        self.assertEqual([one["batch_size"] for one in exits.predictions], [1, 32])
        self.assertGreater(min(one["plain_ms"] for one in exits.predictions), 0)

    def test_exits_by_hand(self):
        last = self.last
        version = export_classifier(self.classifier, self.folder / "by_hand", exits=f"1,{last}")
        self.assertEqual(Manifest.read(version).exits, Exits((1, last), 0.0, "hand"))
        self.assertEqual(exits_in_words(version), "exits: after layer 1 and at the end")

    def test_exits_that_cannot_be(self):
        evaluation = self.evaluate(self.classifier, "older")
        (evaluation / "branch_outputs.npz").unlink()  # as a release without that file left it
        for options, words in (
            ({"exits": "some"}, "exits must be auto, all, or layers with commas between"),
            ({"exits": "1,99"}, "the last exit must be the model's last layer"),
            ({"exits": [1.5, self.last]}, "exits must be layer numbers"),
            ({"exits": "auto", "default_speed": 0.0, "evaluation": evaluation}, "need one above 0"),
            ({"exits": "auto", "lowest_accuracy": 0.1, "evaluation": evaluation}, "name the exits"),
            ({"exits": "auto"}, "only with the branch outputs of held-out rows"),
            ({"exits": "auto", "evaluation": evaluation}, "only with the branch outputs of held-out rows"),
            (
                {"exits": (self.last,), "evaluation": evaluation},
                "needs the branch outputs, which the evaluation",
            ),
            ({"precision": "float8"}, "precision"),
            ({"precision": "int8"}, "precision int8 needs calibration rows"),
            ({"calibration": self.task.train}, "precision float32 takes no calibration rows"),
            (
                {"precision": "bfloat16", "lowest_accuracy": 0.1, "evaluation": evaluation},
                "no lowest_accuracy of bfloat16",
            ),
        ):
            with self.assertRaisesRegex(ValueError, words):
                export_classifier(self.classifier, self.folder / "impossible", **options)
        self.assertFalse((self.folder / "impossible").exists())
        version = export_classifier(self.classifier, self.folder / "export_of_older", evaluation=evaluation)
        self.assertIsNone(Manifest.read(version).exits)

    def test_what_a_checkpoint_brought_is_written_down(self):
        report = json.loads((self.folder / "first" / "import.json").read_text())
        self.assertEqual(report, {"missing": [], "unexpected": [], "skipped": []})

    def test_how_often_the_state_is_saved_makes_no_other_run(self):
        again = self.train("first", config={"save_every": 7})
        for one, two in zip(again.model.get_weights(), self.classifier.model.get_weights(), strict=True):
            self.assertAllEqual(one, two)

    def test_unlabelled_texts_of_another_kind(self):
        pairs = TextDataset(("a", "b"), ("c", "d"))
        with self.assertRaisesRegex(ValueError, "reads single texts, but the unlabelled texts are pairs of texts"):
            self.train("pairs", unlabelled=pairs)
        self.assertFalse((self.folder / "pairs").exists())

    def test_one_text_is_no_list(self):
        predictor = Predictor(self.classifier)
        for texts in ("good film", b"good film"):
            with self.assertRaisesRegex(ValueError, "must be a list of texts"):
                predictor(texts)
        self.assertLen(predictor(["good film"]), 1)


if __name__ == "__main__":
    tf.test.main()
