"""The `fastbert` command, from the command line to its output and its one-line errors."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from unittest import mock

import tensorflow as tf
from command_case import COLUMNS, CommandTestCase
from command_line import fastbert
from short_timing import short_timing
from tiny_checkpoint import LAYERS

from fastbert_tf.checkpoints import load_classifier


class WholeJobTest(CommandTestCase):
    def test_train_evaluate_export_serve_predict(self):
        code, out, _ = self.trained
        self.assertEqual(code, 0)
        self.assertIn(str(self.classifier), out)
        self.assertLen(json.loads((self.run_folder / "history.json").read_text()), 2)
        self.assertFalse((self.run_folder / "state").exists())

        evaluation, export = self.folder / "evaluation", self.folder / "export"
        code, out, _ = fastbert(
            "evaluate", "--model", self.classifier, "--data", self.folder / "dev.tsv", *COLUMNS,
            "--output", evaluation, "--speeds", "0,0.5,1", "--latency_rows", 8,
        )  # fmt: skip
        self.assertEqual(code, 0)
        for speed in ("0", "0.5", "1"):
            self.assertRegex(out, rf"\n\| +{re.escape(speed)} \|")
        self.assertTrue((evaluation / "speedup_accuracy.png").is_file())

        with short_timing():
            code, out, _ = fastbert(
                "export", "--model", self.classifier, "--output", export, "--evaluation", evaluation, "--exits", "auto"
            )
        self.assertEqual((code, out.splitlines()[-1]), (0, f"exported: {export}/1"))
        self.assertRegex(out, r"^exits: (none|after layer)[^\n]*\n  batch 1, speed 0\.5: [0-9.]+ ms a row predicted")
        texts = ["The camera is excellent.", "", "It has a truly awful motor."]
        local = fastbert("predict", "--model", self.classifier, "--speed", 0, *texts)
        self.assertEqual(local[0], 0)
        with served(export) as address:
            remote = fastbert("predict", "--server", address, "--speed", 0, *texts)
            wrong = fastbert("predict", "--server", address, "--speed", 1.5, *texts)
        self.assertEqual(rows_of(remote[1]), rows_of(local[1]))
        self.assertEqual([row[2] for row in rows_of(local[1])], [str(LAYERS)] * len(texts))
        self.assertEqual(wrong[0], 1)
        self.assertIn("speed must be in [0, 1]", wrong[2])

    def test_the_same_call_goes_on_and_another_is_refused(self):
        before = load_classifier(self.classifier).model.get_weights()
        code, _, _ = fastbert(*self.train_words, "--output", self.run_folder)
        self.assertEqual(code, 0)
        self.assertAllEqual(before[0], load_classifier(self.classifier).model.get_weights()[0])
        reversed_labels = self.folder / "reversed.tsv"
        swap = {"positive": "negative", "negative": "positive"}
        text = (self.folder / "train.tsv").read_text()
        reversed_labels.write_text(
            re.sub("(positive|negative)$", lambda found: swap[found[0]], text, flags=re.MULTILINE)
        )
        for words, setting in (
            (["--seed", 7], "training.seed"),
            (["--cased"], "tokenizer.lower_case"),
            (["--train", reversed_labels], "training_rows.digest"),
        ):
            code, _, err = fastbert(*self.train_words, "--output", self.run_folder, *words)
            self.assertEqual(code, 1)
            self.assertIn(setting, err)

    def test_a_kill_before_the_state_is_removed_loses_nothing(self):
        state = self.run_folder / "state"
        state.mkdir()
        code, out, _ = fastbert(*self.train_words, "--output", self.run_folder)
        self.assertEqual(code, 0)
        self.assertIn("trained already", out)
        self.assertFalse(state.exists())
        self.assertTrue((self.run_folder / "history.json").is_file())

    def test_import_is_reported(self):
        self.assertIn("0 missing; 0 unexpected", self.trained[1])

    def test_any_bytes_are_classified(self):
        texts = [os.fsdecode(b"\xff\xfe good"), "\U0001f600\U0001f600", "tab\there", ""]
        code, out, _ = fastbert("predict", "--model", self.classifier, *texts)
        self.assertEqual(code, 0)
        self.assertLen(rows_of(out), len(texts))

    def test_dev_selects_the_epoch_else_rows_held_out_do(self):
        with_dev = self.folder / "with_dev"
        self.assertEqual(fastbert(*self.train_words, "--dev", self.folder / "dev.tsv", "--output", with_dev)[0], 0)
        self.assertEqual(counts(self.run_folder), (76, 4))  # 5 % of 80 rows
        self.assertEqual(counts(with_dev), (80, 40))


class BadInputTest(CommandTestCase):
    def train(self, *words):
        return [*self.train_words, "--output", tempfile.mkdtemp(dir=self.folder), *words]

    def file(self, text, name="bad.tsv"):
        path = Path(tempfile.mkdtemp(dir=self.folder)) / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def test_data(self):
        self.assert_refused(self.train("--train", "/nowhere.tsv"), "/nowhere.tsv")
        self.assert_refused(self.train("--train", self.file("")), "bad.tsv")
        self.assert_refused(self.train("--train", self.file("sentence\tlabel\n")), "no rows")
        self.assert_refused(self.train("--text", "words"), "words", "sentence")
        self.assert_refused(self.train("--dev", self.file("sentence\tlabel\nfine\tsplendid\n")), "splendid", "negative")
        self.assert_refused(["train", *self.train_words[3:], "--output", "never"], "exactly one")

    def test_options_that_would_have_no_effect(self):
        named = ["train", "--task", "sample", "--checkpoint", self.checkpoint, "--output", self.folder / "never"]
        table = ("--train", "a.tsv"), ("--dev", "a.tsv"), ("--text", 0), ("--text_pair", 1), ("--label", "label")
        for option, value in (*table, ("--label_names", "a,b")):
            self.assert_refused([*named, option, value], option, "--task names sample", "drop")
        self.assert_refused([*named, "--held_out", 0.05], "--held_out", "dev part", "drop")
        self.assert_refused([*named, "--data_dir", self.folder], "--data_dir", "drop")
        self.assert_refused(self.train("--data_dir", self.folder), "--data_dir", "drop")
        self.assert_refused(self.train("--dev", self.folder / "dev.tsv", "--held_out", 0.05), "--held_out", "--dev")
        for option, value in (
            ("--distillation_epochs", 1),
            ("--distillation_learning_rate", 1),
            ("--divergence", "forward"),
            ("--unlabelled", self.folder / "dev.tsv"),
        ):
            self.assert_refused([*named, "--no_self_distillation", option, value], option, "--no_self_distillation")

        evaluate = ["evaluate", "--model", self.classifier, "--output", self.folder / "never"]
        for words in (*table[2:], ("--data", "a.tsv"), ("--metrics", "f1"), ("--no_label",)):
            self.assert_refused([*evaluate, "--task", "sample", *words], words[0], "--task names sample", "drop")
        self.assert_refused([*evaluate, "--task", "sample", "--calibration", "a.tsv"], "--calibration", "drop")
        for words in (("--label", "label"), ("--metrics", "accuracy")):
            self.assert_refused([*evaluate, "--data", self.folder / "dev.tsv", "--no_label", *words], words[0], "drop")
        self.assertFalse((self.folder / "never").exists())

        self.assert_refused(["predict", "--model", self.classifier, "--model_name", "m", "text"], "--model_name")
        self.assert_refused(["doctor", self.folder, "--model_name", "m"], "--model_name", "--address")
        serve = ["serve", "--model_base_path", self.folder]
        gateway = ["gateway", "--upstream", "127.0.0.1:1"]
        for words in (serve, gateway):
            for option in ("--rest_api_timeout_in_ms", "--monitoring_config_file"):
                self.assert_refused([*words, option, 1], option, "--rest_api_port")
        poll = "--model_config_file_poll_wait_seconds"
        self.assert_refused([*serve, poll, 0], poll, "without --model_config_file")
        self.assert_refused(["serve", "--model_config_file", "m", "--model_name", "m"], "--model_name", "drop")

    def test_start(self):
        self.assert_refused(self.train("--checkpoint", self.folder / "none"), self.folder / "none")
        self.assert_refused(
            self.train("--shape", "2,8,2", "--vocabulary", self.checkpoint / "vocab.txt"), "exactly one"
        )
        truncated = self.folder / "truncated"
        shutil.copytree(self.checkpoint, truncated)
        weights = truncated / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:1000])
        self.assert_refused(self.train("--checkpoint", truncated), "model.safetensors")
        wide = self.file("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"w{i}" for i in range(999))]))
        self.assert_refused(self.train("--vocabulary", wide), "1004", "embedding")
        narrow = self.file("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good"]))
        self.assert_refused(self.train("--vocabulary", narrow), "6 tokens", "embedding")

    def test_settings(self):
        self.assert_refused(self.train("--learning_rate", "0"), "learning_rate", "positive")
        self.assert_refused(self.train("--held_out", "1.5"), "fraction")
        evaluate = ["evaluate", "--model", self.classifier, "--data", self.folder / "dev.tsv", *COLUMNS]
        output = ["--output", self.folder / "never"]
        for speeds in ("1.5", "-0.1", "nan", "fast"):
            self.assert_refused([*evaluate, *output, f"--speeds={speeds}"], speeds)
        self.assert_refused([*evaluate, *output, "--metrics", "bleu"], "bleu")
        self.assertFalse((self.folder / "never").exists())
        export = ["export", "--model", self.classifier, "--output", self.folder / "never"]
        self.assert_refused([*export, "--default_speed", "nan"], "nan")
        self.assert_refused([*export, "--most_loss", "0.1"], "most_loss")
        self.assert_refused([*export, "--tensorflow_intra_op_parallelism", "-1"], "threads")
        self.assertFalse((self.folder / "never" / "1").exists())
        self.assert_refused(["predict", "--model", self.classifier, "--speed", "2", "text"], "speed", "2")
        self.assert_refused(["predict", "text"], "exactly one")
        self.assert_refused(["serve", "--model_base_path", self.folder / "none"], self.folder / "none")
        self.assert_refused(["predict", "--server", "127.0.0.1:1", "text"], "127.0.0.1:1")

    def test_outputs_that_cannot_be_written(self):
        blocked = self.file("a file, not a folder", "blocked")
        self.assert_refused([*self.train_words, "--output", blocked / "run"], blocked)
        self.assert_refused(
            ["evaluate", "--model", self.classifier, "--data", self.folder / "dev.tsv", *COLUMNS,
             "--latency_rows", 0, "--output", blocked / "evaluation"],
            blocked,
        )  # fmt: skip
        self.assert_refused(["export", "--model", self.classifier, "--output", blocked / "export"], blocked)

    def test_an_evaluation_fails_before_it_has_cost_anything(self):
        blocked = self.file("a file, not a folder", "blocked")
        with mock.patch("fastbert_tf.recipes.evaluate.predict_branches") as predict:
            words = ["--data", self.folder / "dev.tsv", *COLUMNS, "--output", blocked / "evaluation"]
            self.assert_refused(["evaluate", "--model", self.classifier, *words], blocked)
        predict.assert_not_called()


@contextlib.contextmanager
def served(export):
    """Serves an export with the real command in another process."""
    process = subprocess.Popen(
        [sys.executable, "-m", "fastbert_tf.cli.main", "serve", "--model_base_path", export, "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    try:
        yield process.stdout.readline().split()[-1]
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.stdout.close()


def counts(run):
    """How many rows a run was trained on, and how many selected its best epoch."""
    settings = json.loads((run / "settings.json").read_text())
    return settings["training_rows"]["count"], settings["selection_rows"]["count"]


def rows_of(output):
    """The fields of the answers, less the header."""
    return [line.split("\t")[:4] for line in output.splitlines()[1:]]


if __name__ == "__main__":
    tf.test.main()
