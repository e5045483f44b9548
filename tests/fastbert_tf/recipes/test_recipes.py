"""What the recipes refuse, and what they leave beside the trained model."""

import functools
import json
import shutil
from unittest import mock

import tensorflow as tf
from short_timing import short_timing
from trained_sample import TrainedSampleCase

from fastbert_serving.control.cost_curve import CostCurve
from fastbert_serving.manifest import Exits, Manifest
from fastbert_tf.data import BatchPipeline, TextDataset
from fastbert_tf.evaluation import ExitCosts, machine, read_outputs, read_report, threads
from fastbert_tf.recipes import evaluate as evaluate_module
from fastbert_tf.recipes import exits as exits_module
from fastbert_tf.recipes import export as export_module
from fastbert_tf.recipes.evaluate import evaluate_classifier
from fastbert_tf.recipes.exits import exits_in_words
from fastbert_tf.recipes.export import export_classifier
from fastbert_tf.recipes.predict import Predictor


class RecipesTest(TrainedSampleCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.last = cls.classifier.model.config.backbone.num_layers

    @classmethod
    @functools.cache
    def evaluated(cls):
        """What most tests start with, run once."""
        return cls.evaluate(cls.classifier, "evaluated", speeds=(0.5,))

    @classmethod
    def evaluate(cls, classifier, name, **options):
        if not options and classifier is cls.classifier:
            return shutil.copytree(cls.evaluated(), cls.folder / name)
        words = {"speeds": (0.5,), "latency_rows": 0, **options}
        evaluate_classifier(classifier, cls.task.test, cls.folder / name, "sample", **words)
        return cls.folder / name

    def export_with_costs(self, costs, **options):
        """Exports as if these costs were measured."""
        with mock.patch.object(exits_module, "measure_exit_costs", lambda *_: (costs,)):
            return export_classifier(self.classifier, self.folder / "made_up", overwrite=True, **options)

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
        for exits, step, words in (
            ("auto", 0.0, "exits: after layer 1"),
            (None, 0.0, "exits: after layer 1"),  # the default where there is an evaluation
            (None, 100.0, "exits: none, .* cost more than they save"),
        ):
            costs = ExitCosts(1, (1,), (0.0,), (10.0,), (0.0,), (step,), (0.0,), (0.0,))
            version = self.export_with_costs(costs, evaluation=evaluation, default_speed=1.0, exits=exits)
            self.assertRegex(exits_in_words(version), words)
            manifest = Manifest.read(version)
            self.assertEqual(manifest.exits.chosen_by, "measurement")
            self.assertEqual(manifest.exits.costs, (costs.to_dict(),))
            self.assertIn(f"TensorFlow {tf.__version__}", manifest.exits.machine["name"])
            (point,) = manifest.curve["points"]
            off = [rows for layer, rows in enumerate(point["exit_layers"], 1) if layer not in manifest.exits.layers]
            self.assertEqual(sum(off), 0)
            self.assertEqual(sum(point["exit_layers"]), 20)

    def test_exits_pay_at_the_speeds_that_load_control_may_choose(self):
        evaluation = self.evaluate(self.classifier, "under_load", speeds=(0.0, 0.5, 0.9, 1.0))
        costs = ExitCosts(1, (1,), (0.0,), (10.0,), (0.1,), (0.0,), (0.0,), (0.0,))
        version = self.export_with_costs(costs, evaluation=evaluation, default_speed=0.0, lowest_accuracy=0.0)
        manifest = Manifest.read(version)
        self.assertEqual(manifest.exits.chosen_by, "measurement")
        control = CostCurve.from_manifest(manifest).choices(manifest.default_speed, manifest.lowest_accuracy)
        self.assertEqual([one["speed"] for one in manifest.exits.predictions], control)
        for one in manifest.exits.predictions:
            self.assertLessEqual(one["chosen_ms"], 1.03 * one["plain_ms"])

    def test_uncertain_costs_are_told(self):
        evaluation = self.evaluate(self.classifier, "busy")
        costs = ExitCosts(1, (1,), (0.0,), (10.0,), (0.0,), (0.0,), (0.0,), (0.0,), uncertainty=0.25)
        version = self.export_with_costs(costs, evaluation=evaluation, default_speed=1.0)
        self.assertRegex(exits_in_words(version), "uncertain by 25%: the machine is busy")

    def test_every_precision_promises_its_own_accuracy(self):
        """Evaluation and export run the same graph; one in another precision, or fitted otherwise, is refused."""
        rows, others = self.task.train, self.task.dev
        with mock.patch.object(exits_module, "measure_exit_costs") as timed:
            for precision, calibration in (("bfloat16", None), ("int8", rows)):
                evaluation = self.evaluate(
                    self.classifier, precision, speeds=(0.0, 1.0), precision=precision, calibration=calibration
                )
                report = read_report(evaluation)
                self.assertEqual(report.precision, precision)
                options = {"precision": precision, "calibration": calibration, "exits": "all"}
                version = export_classifier(
                    self.classifier, self.folder / f"{precision}_export", evaluation=evaluation, lowest_accuracy=0.1,
                    **options,
                )  # fmt: skip
                manifest = Manifest.read(version)
                self.assertEqual((manifest.precision, manifest.lowest_accuracy), (precision, 0.1))
                self.assertEqual(manifest.curve, report.curve.to_dict())
                self.assert_answers_as_evaluated(version, evaluation, report)
                for other, words in (
                    (
                        {"precision": "float32"},
                        f"evaluation in {precision}, but the export is in float32; evaluate with",
                    ),
                    ({**options, "calibration": others}, "fitted to other calibration rows"),
                ):
                    if other.get("precision") == "float32" or precision == "int8":
                        with self.assertRaisesRegex(ValueError, words):
                            export_classifier(
                                self.classifier, self.folder / "impossible", evaluation=evaluation, **other
                            )
        timed.assert_not_called()

    def assert_answers_as_evaluated(self, version, evaluation, report):
        """The exported graph says of every row what the evaluation has stored."""
        graph = tf.saved_model.load(str(version)).signatures["with_speed"]
        outputs = read_outputs(evaluation, report.evaluated)
        texts = self.task.test.texts
        order = BatchPipeline(self.task.test, self.classifier.tokenizer).order
        answers = graph(text=tf.constant(texts), speed=tf.zeros(len(texts)))["probabilities"].numpy()
        self.assertAllClose(answers[order], outputs.probabilities[:, -1], atol=1e-5)

    def test_exits_are_measured_on_this_machine(self):
        evaluation = self.evaluate(self.classifier, "timed")
        with short_timing():
            version = export_classifier(self.classifier, self.folder / "timed_export", evaluation=evaluation)
        exits = Manifest.read(version).exits
        self.assertEqual(exits.chosen_by, "measurement")
        self.assertEqual([one["batch_size"] for one in exits.predictions], [1, 16])
        self.assertGreater(min(one["plain_ms"] for one in exits.predictions), 0)
        self.assertEqual(exits.machine, {"name": machine(), **threads()})

    def test_exits_by_hand(self):
        last = self.last
        version = export_classifier(self.classifier, self.folder / "by_hand", exits=f"1,{last}")
        self.assertEqual(Manifest.read(version).exits, Exits((1, last), 0.0, "hand"))
        self.assertEqual(exits_in_words(version), "exits: after layer 1 and at the end")

    def test_exits_that_cannot_be(self):
        evaluation, complete = self.evaluate(self.classifier, "incomplete"), self.evaluate(self.classifier, "complete")
        (evaluation / "branch_outputs.npz").unlink()  # as a release without that file left it
        for options, words in (
            ({"exits": "some"}, "exits must be auto, all, or layers with commas between"),
            ({"exits": "1,99"}, "the last exit must be the model's last layer"),
            ({"exits": [1.5, self.last]}, "exits must be layer numbers"),
            ({"exits": "auto", "default_speed": 0.0, "evaluation": complete}, "at speed 0 no exit pays"),
            ({"most_loss": 0.1}, "most_loss bounds exits chosen by measurement"),
            ({"most_loss": -0.1, "evaluation": complete}, "most_loss must be at least 0"),
            ({"version": 0, "evaluation": complete}, "version must be"),
            ({"default_speed": 2.0, "evaluation": complete}, "default_speed must be"),
            ({"lowest_accuracy": 90, "evaluation": complete}, "lowest_accuracy: 90 is greater"),
            ({"lowest_accuracy": 0.1}, "lowest_accuracy needs a curve"),
            ({"exits": "auto"}, "only with the branch outputs of held-out rows"),
            ({"exits": "auto", "evaluation": evaluation}, "only with the branch outputs of held-out rows"),
            (
                {"exits": (self.last,), "evaluation": evaluation},
                "needs the branch outputs, which the evaluation",
            ),
            ({"precision": "float8"}, "precision"),
            ({"precision": "int8"}, "precision int8 needs calibration rows"),
            ({"calibration": self.task.train}, "precision float32 takes no calibration rows"),
        ):
            with (
                mock.patch.object(export_module, "stack_of") as built,  # nothing is quantised or timed before the error
                self.assertRaisesRegex(ValueError, words),
            ):
                export_classifier(self.classifier, self.folder / "impossible", **options)
            built.assert_not_called()
        self.assertFalse((self.folder / "impossible").exists())

    def test_evaluation_of_an_older_version(self):
        """Without branch outputs and precision: a float32 export with all exits takes it, by default or by hand."""
        evaluation = self.evaluate(self.classifier, "older")
        (evaluation / "branch_outputs.npz").unlink()
        path = evaluation / "evaluation.json"
        older = {name: value for name, value in json.loads(path.read_text()).items() if name != "precision"}
        path.write_text(json.dumps(older))
        every = tuple(range(1, self.last + 1))
        for exits, kept in ((None, None), (every, Exits(every, 0.0, "hand"))):
            version = export_classifier(
                self.classifier, self.folder / "export_of_older", evaluation=evaluation, exits=exits, overwrite=True
            )
            manifest = Manifest.read(version)
            self.assertEqual(manifest.exits, kept)
            self.assertEqual(manifest.curve, read_report(evaluation).curve.to_dict())
        with self.assertRaisesRegex(ValueError, "is an evaluation in float32, but the export is in bfloat16"):
            export_classifier(self.classifier, self.folder / "impossible", evaluation=evaluation, precision="bfloat16")

    def test_an_evaluation_fails_before_it_has_cost_anything(self):
        for options, words in (
            ({"precision": "int8"}, "int8 needs calibration rows"),
            ({"calibration": self.task.train}, "float32 takes no calibration rows"),
            ({"precision": "float8"}, "precision must be one of"),
            ({"metrics": ["bleu"]}, "unknown metric"),
            ({"latency_rows": -1}, "latency_rows must be at least 0"),
        ):
            with (
                mock.patch.object(evaluate_module, "stack_of") as built,
                self.assertRaisesRegex(ValueError, words),
            ):
                self.evaluate(self.classifier, "never", **options)
            built.assert_not_called()
        self.assertFalse((self.folder / "never").exists())

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
