"""Rows that training holds out, the certificate that they give, and where it is taken."""

import json
import tempfile
from pathlib import Path
from unittest import mock

import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from small_classifier import LABELS, WORDS, small_model, small_tokenizer
from tiny_checkpoint import write_checkpoint

from fastbert_serving.doctor import examine
from fastbert_serving.manifest import Manifest
from fastbert_tf.calibration import Promise
from fastbert_tf.checkpoints import SavedClassifier, save_classifier
from fastbert_tf.config import StageConfig, TrainingConfig
from fastbert_tf.data import TextDataset, make_sample_task
from fastbert_tf.evaluation import BranchOutputs, read_report
from fastbert_tf.recipes import calibrate as calibrate_module
from fastbert_tf.recipes import train as train_module
from fastbert_tf.recipes.calibrate import calibrate_classifier, calibrate_model
from fastbert_tf.recipes.calibration_rows import hold_out, read_calibration_rows, write_calibration_rows
from fastbert_tf.recipes.evaluate import delivered, evaluate_classifier
from fastbert_tf.recipes.export import export_classifier
from fastbert_tf.recipes.predict import Predictor, predict_texts


def random_rows(count: int, seed: int = 0) -> TextDataset:
    random = np.random.default_rng(seed)
    texts = [" ".join(random.choice(WORDS, random.integers(3, 12))) for _ in range(count)]
    return TextDataset(texts, None, random.integers(0, len(LABELS), count), LABELS)


class HeldOutRowsTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))

    @parameterized.parameters(True, False)
    def test_training_sees_none_of_them(self, has_dev):
        """Neither the weights nor the choice of the epoch: their texts are in no pipeline of the schedule."""
        task = make_sample_task(60, 20, 20)
        if not has_dev:  # then the epoch is selected with training rows, too
            task = train_module.Task("own", task.train, task.dev, None, ("accuracy",), task.label_names)
        seen: list[str] = []

        class Schedule:
            def __init__(self, *_):
                pass

            def run(self, model, *pipelines):
                seen.extend(text for pipeline in pipelines if pipeline for text in pipeline.dataset.texts)
                return []

        unlabelled = TextDataset(task.train.texts)
        config = TrainingConfig(StageConfig(1, 1e-3), StageConfig(1, 1e-3), seed=5)
        with mock.patch.object(train_module, "AlternatingSchedule", Schedule):
            train_module.train_classifier(
                task, self.folder / "run", write_checkpoint(self.folder / "bert"), config=config, branch_dim=8,
                calibration_rows=15, unlabelled=unlabelled,
            )  # fmt: skip
        rows = read_calibration_rows(self.folder / "run" / "classifier", task.label_names, False)
        self.assertLen(rows, 15)
        truth = dict(zip(task.train.texts, task.train.labels, strict=True))
        self.assertEqual([truth[text] for text in rows.texts], rows.labels.tolist())
        self.assertEmpty({*rows.texts} & {*seen})
        self.assertEqual({*seen} | {*rows.texts}, {*task.train.texts} | ({*task.dev.texts} if has_dev else set()))
        settings = json.loads((self.folder / "run" / "settings.json").read_text())
        self.assertEqual(settings["calibration_rows"]["count"], 15)

    def test_their_texts_are_dropped_from_the_other_rows(self):
        rows = TextDataset([*"abcdefgh", *"abcdefgh"], None, [0, 1] * 8, ("no", "yes"))
        rest, held_out = hold_out(rows, 4, seed=0)
        self.assertLen(held_out, 4)
        self.assertEmpty({*rest.texts} & {*held_out.texts})
        self.assertEqual({*rest.texts} | {*held_out.texts}, {*"abcdefgh"})

    @parameterized.parameters(-1, 16, 100)
    def test_refuses_counts_that_leave_nothing(self, count):
        with self.assertRaisesRegex(ValueError, "calibration_rows"):
            hold_out(TextDataset([str(i) for i in range(16)]), count, seed=0)

    def test_pairs_and_odd_texts_come_back_as_they_were(self):
        rows = TextDataset(["a\tb\n", "\u2028 'x'"], ["", "\U0001f600"], [1, 0], ("no", "yes"))
        write_calibration_rows(rows, self.folder)
        back = read_calibration_rows(self.folder / "classifier", ("no", "yes"), True)
        self.assertEqual((back.texts, back.text_pairs, back.labels.tolist()), (rows.texts, rows.text_pairs, [1, 0]))

    def test_says_so_where_none_were_held_out(self):
        with self.assertRaisesRegex(ValueError, "no rows were held out .* train with --calibration_rows"):
            read_calibration_rows(self.folder / "classifier", ("no", "yes"), False)


class CertificateTest(tf.test.TestCase, parameterized.TestCase):
    """A random classifier: its students rarely agree with its teacher, so bounds are wide here."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        holder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(holder.cleanup)
        cls.folder = Path(holder.name)
        cls.classifier = SavedClassifier(small_model(), small_tokenizer(), LABELS, False)
        save_classifier(cls.classifier, cls.folder / "run" / "classifier")
        write_calibration_rows(random_rows(300), cls.folder / "run")
        cls.certificate = calibrate_model(cls.folder / "run" / "classifier", Promise(0.25))
        cls.calibration = cls.folder / "run" / "calibration"
        cls.version = export_classifier(cls.classifier, cls.folder / "export", certificate=cls.calibration)
        cls.manifest = Manifest.read(cls.version)
        cls.graph = tf.saved_model.load(str(cls.version)).signatures
        cls.texts = list(random_rows(40, seed=2).texts)

    def test_it_is_about_the_held_out_rows(self):
        self.assertEqual((self.certificate.rows, self.certificate.labelled), (300, True))
        self.assertBetween(self.certificate.speed, 1e-4, 1)
        self.assertGreater(self.certificate.dial.most, 2)

    def test_another_promise_asks_the_branches_no_second_time(self):
        with mock.patch.object(calibrate_module, "predict_branches", side_effect=AssertionError):
            calibrate_model(self.folder / "run" / "classifier", Promise(0.3))
            with self.assertRaises(AssertionError):  # other rows do
                calibrate_classifier(self.classifier, random_rows(300, 9), self.calibration, Promise(0.3))
        calibrate_model(self.folder / "run" / "classifier", Promise(0.25))

    def test_learned_policies_are_tested_on_other_rows(self):
        policies = ("normalized_entropy", "layer_thresholds", "learned_exit")
        certificate = calibrate_model(
            self.folder / "run" / "classifier", Promise(0.25), self.folder / "learned", policies=policies
        )
        self.assertEqual((certificate.rows, certificate.learning_rows, certificate.policies), (210, 90, 3))

    def test_int8_is_not_certified_on_rows_that_it_is_fitted_to(self):
        rows = random_rows(400)
        fitted = rows.take(range(100))
        with (
            mock.patch.object(calibrate_module, "stack_of"),
            mock.patch.object(calibrate_module, "check_stack"),
            mock.patch.object(calibrate_module, "predict_branches") as predict,
        ):
            predict.return_value = predict_nothing(300)
            certificate = calibrate_classifier(
                self.classifier, rows, self.folder / "int8", Promise(0.3), precision="int8", calibration=fitted
            )
        self.assertEqual(certificate.rows, 300)
        self.assertEqual(certificate.subject.precision, "int8")

    def test_refuses_before_it_asks_the_branches(self):
        for options, words in (
            ({"promise": Promise(0.001)}, "300 rows are too few .* it needs 2995"),
            ({"policies": ()}, "no policy"),
            ({"policies": ("guess",)}, "no exit policy 'guess'"),
            ({"exits": (1, 9)}, "last exit must be"),
            ({"precision": "int8"}, "int8 needs calibration rows"),
            ({"rows": TextDataset(["a"], ["b"])}, "reads single texts"),
        ):
            words_of = {"rows": random_rows(300), "promise": Promise(0.25), **options}
            with (
                mock.patch.object(calibrate_module, "predict_branches", side_effect=AssertionError),
                self.assertRaisesRegex(ValueError, words),
            ):
                calibrate_classifier(self.classifier, output=self.folder / "never", **words_of)

    def test_an_export_takes_policy_speed_and_dial(self):
        told = self.certificate.to_dict()
        self.assertEqual(self.manifest.default_speed, self.certificate.speed)
        self.assertEqual(self.manifest.dial, self.certificate.dial)
        self.assertEqual({**self.manifest.certificate, "dial": told["dial"]}, told)
        self.assertIn("at most 0.25 of the answers", self.manifest.promise)
        self.assertIn(f"certificate: {self.manifest.promise}", examine(self.version).text())

    def test_every_row_has_its_own_speedup(self):
        speedups = np.linspace(1, 1.2 * self.certificate.dial.most, len(self.texts)).astype(np.float32)
        by_speedup = self.graph["with_speedup"](text=tf.constant(self.texts), speedup=tf.constant(speedups))
        speeds = self.certificate.dial.speed(speedups)
        by_speed = self.graph["with_speed"](text=tf.constant(self.texts), speed=tf.constant(speeds))
        self.assertAllEqual(by_speedup["exit_layer"], by_speed["exit_layer"])
        self.assertAllEqual(by_speedup["label"], by_speed["label"])
        self.assertEqual(int(by_speedup["exit_layer"][0]), 4)  # speedup 1 is the full depth
        self.assertLess(by_speedup["exit_layer"].numpy().mean(), 4)

    @parameterized.parameters((0.5, "0.5"), (float("nan"), "nan"), (-float("inf"), "-inf"))
    def test_the_graph_refuses_speedups_below_1(self, speedup, shown):
        graph = self.graph["with_speedup"]
        with self.assertRaisesRegex(
            tf.errors.InvalidArgumentError, f"speedup must be at least 1, but row 1 holds {shown}"
        ):
            graph(text=tf.constant(["a", "b"]), speedup=tf.constant([1.0, speedup], tf.float32))

    def test_predictor_and_graph_answer_alike(self):
        predictor = Predictor(self.classifier, self.calibration)
        local = [answer.exit_layer for answer in predictor(self.texts)]
        self.assertAllEqual(self.graph["serving_default"](text=tf.constant(self.texts))["exit_layer"], local)
        local = [answer.exit_layer for answer in predictor(self.texts, speedup=1.5)]
        fifteen = tf.fill([len(self.texts)], 1.5)
        self.assertAllEqual(
            self.graph["with_speedup"](text=tf.constant(self.texts), speedup=fifteen)["exit_layer"], local
        )
        with self.assertRaisesRegex(ValueError, "not both"):
            predictor(self.texts, speed=0.5, speedup=2)
        with self.assertRaisesRegex(ValueError, "at least 1"):
            predictor(self.texts, speedup=0.5)
        with self.assertRaisesRegex(ValueError, "table of a certificate"):
            Predictor(self.classifier)(self.texts, speedup=2)
        with self.assertRaisesRegex(ValueError, "drop this one"):
            list(predict_texts(self.texts, server="127.0.0.1:1", certificate=self.calibration))

    def test_an_evaluation_says_what_was_delivered(self):
        report = evaluate_classifier(
            self.classifier, random_rows(100, seed=3), self.folder / "evaluation", "random", latency_rows=0,
            speeds=(0.0,), certificate=self.calibration, speedups=(1.5, 2.0),
        )  # fmt: skip
        wanted = {0.0, self.certificate.speed, *self.certificate.dial.speed([1.5, 2.0]).tolist()}
        self.assertEqual({point.speed for point in read_report(self.folder / "evaluation").curve.points}, wanted)
        self.assertRegex(delivered(report, self.calibration, (1.5, 2.0)), r"speedup 2: speed [0-9.]+, [12]\.[0-9]+")

    def test_another_default_speed_drops_the_promise_and_keeps_the_dial(self):
        for options in ({"default_speed": 0.0}, {"speedup": 1.5}):
            with mock.patch("fastbert_tf.recipes.export.export_saved_model") as exported:
                export_classifier(self.classifier, self.folder / "other", certificate=self.calibration, **options)
            given = exported.call_args.kwargs
            self.assertIsNone(given["certificate"])
            self.assertEqual(given["dial"], self.certificate.dial)
        self.assertEqual(given["default_speed"], float(self.certificate.dial.speed(1.5)))

    @parameterized.parameters(
        ({"policy": "margin"}, "of the policy normalized_entropy"),
        ({"exits": "2,4"}, "of the exits"), ({"exits": "auto"}, "of the exits"),
        ({"lowest_accuracy": 0.5}, "lets load control leave the certified speed"),
        ({"default_speed": 0.5, "speedup": 2.0}, "not both"), ({"speedup": 1000.0}, "reaches speedups from 1 to"),
        ({"speedup": float("nan")}, "reaches speedups from 1 to"), ({"precision": "bfloat16"}, "float32, but this one"),
        ({"certificate": None, "speedup": 2.0}, "table of a certificate"),
    )  # fmt: skip
    def test_refuses_what_contradicts_it(self, options, words):
        options = {"certificate": self.calibration, **options}
        with self.assertRaisesRegex(ValueError, words):
            export_classifier(self.classifier, self.folder / "impossible", **options)

    def test_refuses_another_classifier(self):
        other = SavedClassifier(small_model(), small_tokenizer(), tuple(reversed(LABELS)), False)
        with self.assertRaisesRegex(ValueError, "another classifier"):
            export_classifier(other, self.folder / "impossible", certificate=self.calibration)


def predict_nothing(rows):
    """Branch outputs of rows that all branches agree on."""
    probabilities = np.tile(np.array([0.9, 0.05, 0.05], np.float32), (rows, 4, 1))
    return BranchOutputs(probabilities, None, np.full(rows, 5, np.int32))


if __name__ == "__main__":
    tf.test.main()
