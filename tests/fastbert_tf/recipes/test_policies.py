"""Exit policies by name, by parameters and by file; evaluated, exported, and learned from an evaluation."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from small_classifier import LABELS, TEXTS, small_model, small_tokenizer

from fastbert_serving.manifest import Manifest
from fastbert_tf.checkpoints import SavedClassifier
from fastbert_tf.data import BatchPipeline, TextDataset
from fastbert_tf.evaluation import read_outputs, read_report
from fastbert_tf.inference import (
    AgreementEntropy,
    ExitSchedule,
    LayerThresholds,
    LearnedExit,
    Margin,
    NormalizedEntropy,
    Patience,
    fit_learned_exit,
    simulate,
)
from fastbert_tf.recipes.evaluate import evaluate_classifier
from fastbert_tf.recipes.exits import exits_in_words
from fastbert_tf.recipes.export import export_classifier
from fastbert_tf.recipes.policies import learn_exit, policy_of, read_policy, write_policy


class PolicyOfTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.file = Path(tempfile.mkdtemp(dir=self.get_temp_dir())) / "policy.json"

    @parameterized.parameters(
        (None, NormalizedEntropy()),
        ("normalized_entropy", NormalizedEntropy()),
        ("margin", Margin()),
        ("patience", Patience(4)),
        ("patience:agreements=2", Patience(2)),
        ("layer_thresholds", LayerThresholds(NormalizedEntropy(), (0.5,) * 5)),
        (Margin(), Margin()),
    )
    def test_by_name_and_parameters(self, wanted, expected):
        self.assertEqual(policy_of(wanted, num_layers=6), expected)

    def test_by_file(self):
        policy = LayerThresholds(AgreementEntropy(), (0.1, 0.3))
        write_policy(policy, self.file)
        self.assertEqual(policy_of(f"layer_thresholds:{self.file}", num_layers=3), policy)
        with self.assertRaisesRegex(ValueError, "thresholds must be 5"):
            policy_of(f"layer_thresholds:{self.file}", num_layers=6)
        with self.assertRaisesRegex(
            ValueError, f"holds the policy layer_thresholds, not margin; write layer_thr.*:{self.file}"
        ):
            policy_of(f"margin:{self.file}", num_layers=3)

    @parameterized.parameters(
        ("hope", "there is no exit policy 'hope'; take one of "),
        ("patience:agreements=many", "parameter agreements must be a number, but is 'many'"),
        ("patience:agreements=0", "agreements must be an integer of at least 1"),
        ("margin:agreements=2", "margin has no parameter"),
        ("patience:/nowhere/policy.json", "policy file /nowhere/policy.json cannot be read"),
        ("learned_exit", "learned_exit has no default for weights; give its file"),
        (LearnedExit(((0.0,) * 6,)), "weights must be of 5 layers"),
    )
    def test_no_such_policy(self, wanted, words):
        with self.assertRaisesRegex(ValueError, words):
            policy_of(wanted, num_layers=6)

    def test_broken_file(self):
        for content, words in (
            ("{", "policy.json: "),
            ('{"name": "hope"}', "policy.json: there is no exit policy 'hope'"),
        ):
            self.file.write_text(content)
            with self.assertRaisesRegex(ValueError, words):
                read_policy(self.file)


class PolicyInEvaluationAndExportTest(tf.test.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        holder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(holder.cleanup)
        cls.folder = Path(holder.name)
        keras.utils.set_random_seed(0)
        cls.classifier = SavedClassifier(small_model(), small_tokenizer(), LABELS, is_pair=False)
        texts = [f"{one} {other}".strip() for one in TEXTS for other in TEXTS]
        labels = np.arange(len(texts)) % len(LABELS)
        cls.dataset = TextDataset(texts, labels=labels, label_names=LABELS)
        cls.evaluation = cls.folder / "evaluation"
        cls.report = cls.evaluate("evaluation")
        cls.outputs = read_outputs(cls.evaluation, cls.report.evaluated)

    @classmethod
    def evaluate(cls, name, **options):
        words = {"speeds": (0.0, 0.5, 1.0), "latency_rows": 0, **options}
        return evaluate_classifier(cls.classifier, cls.dataset, cls.folder / name, "made up", **words)

    def test_export_holds_the_policy_and_its_curve(self):
        """An evaluation by another rule is replayed; graph, curve and simulation agree."""
        policy = LayerThresholds(AgreementEntropy(), (0.9, 0.5, 0.0))
        version = export_classifier(
            self.classifier, self.folder / "export", evaluation=self.evaluation, policy=policy, exits="all"
        )
        manifest = Manifest.read(version)
        self.assertEqual(manifest.policy, policy.to_dict())
        self.assertEqual(manifest.curve["exit_policy"], policy.to_dict())
        self.assertEqual(exits_in_words(version), "policy: layer_thresholds\nexits: all branches are on")
        graph = tf.saved_model.load(str(version)).signatures["with_speed"]
        order = BatchPipeline(self.dataset, self.classifier.tokenizer).order
        used = set()
        for point in manifest.curve["points"]:
            expected = simulate(policy, self.outputs.probabilities, point["speed"])["exit_layer"]
            texts = np.array(self.dataset.texts)[order]
            answers = graph(text=tf.constant(texts), speed=tf.fill([len(texts)], tf.constant(point["speed"])))
            self.assertAllEqual(answers["exit_layer"], expected)
            self.assertAllEqual(point["exit_layers"], np.bincount(expected - 1, minlength=4))
            used |= set(expected)
        self.assertGreater(len(used), 2)

    def test_evaluation_by_a_policy(self):
        report = self.evaluate("by_patience", policy="patience:agreements=1")
        self.assertEqual(report.curve.exit_policy, {"name": "patience", "agreements": 1})
        self.assertIn("policy Patience.", report.text())
        self.assertEqual(read_report(self.folder / "by_patience"), report)
        expected = simulate(Patience(1), self.outputs.probabilities, 0.5)["exit_layer"]
        self.assertAllEqual(report.curve.points[1].exit_layers, np.bincount(expected - 1, minlength=4))
        self.assertIsNone(self.report.curve.exit_policy)

    def test_another_policy_needs_branch_outputs(self):
        shutil.copytree(self.evaluation, self.folder / "without_outputs")
        (self.folder / "without_outputs" / "branch_outputs.npz").unlink()
        with self.assertRaisesRegex(ValueError, "a curve for another policy needs the branch outputs"):
            export_classifier(
                self.classifier, self.folder / "no", evaluation=self.folder / "without_outputs", policy="margin"
            )
        self.assertFalse((self.folder / "no").exists())

    def test_learn_exit(self):
        file = self.folder / "learned.json"
        said, labels = self.outputs.probabilities, self.outputs.labels
        for options, fitted_to in (
            ({}, (labels,)),
            ({"exits": "1,3,4", "labelled": False}, (None, ExitSchedule((1, 3, 4)))),
        ):
            learn_exit(self.evaluation, file, **options)
            policy = policy_of(f"learned_exit:{file}", num_layers=4)
            self.assertEqual(policy, fit_learned_exit(said, *fitted_to))
        with self.assertRaisesRegex(ValueError, "exits must be layers with commas between"):
            learn_exit(self.evaluation, file, "1,two")
        with self.assertRaisesRegex(ValueError, "cannot be written"):
            learn_exit(self.evaluation, self.folder / "nowhere" / "learned.json")
        self.assertEqual(json.loads(file.read_text())["name"], "learned_exit")


if __name__ == "__main__":
    tf.test.main()
