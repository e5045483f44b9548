"""What the recipes refuse, and what they leave beside the trained model."""

import json
import tempfile
from pathlib import Path

import tensorflow as tf
from tiny_checkpoint import write_checkpoint

from fastbert_tf.config import StageConfig, TrainingConfig
from fastbert_tf.data import TextDataset, make_sample_task
from fastbert_tf.evaluation import read_report
from fastbert_tf.recipes.evaluate import evaluate_classifier
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

    @classmethod
    def train(cls, name, seed=0, **options):
        config = TrainingConfig(StageConfig(1, 1e-3), StageConfig(1, 1e-3), seed=seed, **options.pop("config", {}))
        words = {"branch_dim": 8, "verbose": 0, **options}
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
        version = export_classifier(self.classifier, self.folder / "export", evaluation=evaluation)
        manifest = json.loads((version / "assets.extra" / "manifest.json").read_text())
        self.assertEqual(manifest["curve"], read_report(evaluation).curve.to_dict())

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
