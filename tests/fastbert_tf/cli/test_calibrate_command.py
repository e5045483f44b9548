"""`fastbert calibrate`, and the commands that take its certificate."""

import json
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf
from command_line import fastbert

from fastbert_tf.calibration import read_certificate
from fastbert_tf.checkpoints import SavedClassifier, save_classifier
from fastbert_tf.config import BackboneConfig, FastBertConfig
from fastbert_tf.data import TextDataset
from fastbert_tf.models import FastBert
from fastbert_tf.recipes.calibration_rows import write_calibration_rows
from fastbert_tokenizers import Vocabulary, WordPieceTokenizer

TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "film", "not", "a"]
CONFIG = FastBertConfig(BackboneConfig(len(TOKENS), 3, 2, 16, 32, max_sequence_length=20), 2, branch_dim=8)


class CalibrateCommandTest(tf.test.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        holder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(holder.cleanup)
        cls.folder = Path(holder.name)
        cls.classifier = cls.folder / "run" / "classifier"
        tokenizer = WordPieceTokenizer(Vocabulary(TOKENS), max_sequence_length=20)
        model = FastBert.from_fastbert_config(CONFIG)
        random = np.random.default_rng(0)
        for weight in model.weights:
            if len(weight.shape) == 2:
                weight.assign(random.normal(scale=0.7, size=weight.shape))
        save_classifier(SavedClassifier(model, tokenizer, ("bad", "good"), False), cls.classifier)
        texts = [" ".join(random.choice(TOKENS[5:], random.integers(2, 12))) for _ in range(100)]
        cls.rows = TextDataset(texts, None, random.integers(0, 2, 100), ("bad", "good"))
        write_calibration_rows(cls.rows, cls.folder / "run")
        cls.promise = ["--model", cls.classifier, "--max_accuracy_drop", 0.4]
        cls.calibrated = fastbert("calibrate", *cls.promise)
        cls.certificate = cls.folder / "run" / "calibration"

    def assert_refused(self, words, *expected):
        """Checks for exit code 1 and one line on stderr that holds the expected words."""
        code, _, err = fastbert(*words)
        self.assertEqual(code, 1, err)
        self.assertLen(err.strip().splitlines(), 1, err)
        for word in expected:
            self.assertIn(str(word), err)

    def test_says_and_writes_what_was_shown(self):
        code, out, err = self.calibrated
        self.assertEqual(code, 0, err)
        certificate = read_certificate(self.certificate)
        self.assertIn(certificate.text(), out)
        self.assertIn(f"speedups from 1 to {certificate.dial.most:.2f} can be asked for", out)
        self.assertEqual((certificate.rows, certificate.labelled), (100, True))

    def test_own_rows_without_labels(self):
        path = self.folder / "own.jsonl"
        path.write_text("".join(json.dumps({"words": text}) + "\n" for text in self.rows.texts[:60]))
        words = ["--data", path, "--text", "words", "--no_label", "--output", self.folder / "own", "--exits", "2,3"]
        code, _, err = fastbert("calibrate", *self.promise, *words, "--policy", "margin", "normalized_entropy")
        self.assertEqual(code, 0, err)
        certificate = read_certificate(self.folder / "own")
        self.assertEqual((certificate.rows, certificate.labelled, certificate.exits), (60, False, (2, 3)))

    def test_predict_and_evaluate_take_it(self):
        words = ["--model", self.classifier, "--certificate", self.certificate]
        code, out, err = fastbert("predict", *words, "--speedup", 1, *self.rows.texts)
        self.assertEqual(code, 0, err)
        self.assertEqual({line.split("\t")[2] for line in out.splitlines()[1:]}, {"3"})
        path = self.folder / "rows.jsonl"
        names = self.rows.label_names
        path.write_text(
            "".join(
                json.dumps({"text": text, "label": names[label]}) + "\n"
                for text, label in zip(self.rows.texts, self.rows.labels, strict=True)
            )
        )
        asked = ["--data", path, "--output", self.folder / "evaluation", "--latency_rows", 0, "--speedups", "1,1.3"]
        code, out, err = fastbert("evaluate", *words, *asked)
        self.assertEqual(code, 0, err)
        self.assertIn("speedup 1: speed 0, 1.000 delivered", out)
        (delivered,) = (line for line in out.splitlines() if line.startswith("speedup 1.3"))
        self.assertAllClose(float(delivered.split()[-2]), 1.3, rtol=0.05)  # on the rows that it was learned on

    def test_one_line_errors(self):
        small = ["calibrate", "--model", self.classifier, "--max_accuracy_drop", 0.005]
        self.assert_refused(small, "100 rows are too few", "it needs 598")
        for words, expected in (
            (["--no_label"], "--no_label is about --data"),
            (["--label", "x"], "--label is about --data"),
            (["--text", "x"], "--text has no effect"),
            (["--data_dir", "x"], "--data_dir has no effect"),
            (["--data", "x", "--no_label", "--label", "y"], "--label names labels"),
            (["--exits", "1,x"], "--exits must be layers"),
            (["--confidence", "1"], "confidence must be"),
            (["--policy", "guess"], "guess"),
        ):
            self.assert_refused(["calibrate", *self.promise, *words], expected)
        texts = ["--speedup", 2, "good film"]
        self.assert_refused(["predict", "--model", self.classifier, *texts], "table of a certificate")
        self.assert_refused(["predict", "--server", "x:1", "--certificate", "y", "good"], "--certificate belongs to")


if __name__ == "__main__":
    tf.test.main()
