"""`fastbert profile`, from the command line to its files and its one-line errors."""

import tempfile
from pathlib import Path
from unittest import mock

import tensorflow as tf
from command_line import fastbert

from fastbert_tf.checkpoints import SavedClassifier, save_classifier
from fastbert_tf.config import BackboneConfig, FastBertConfig
from fastbert_tf.evaluation import executed_flops, paper_flops, read_profile
from fastbert_tf.evaluation.profile_parts import BLOCK_PARTS
from fastbert_tf.models import FastBert
from fastbert_tokenizers import Vocabulary, WordPieceTokenizer

TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad"]
CONFIG = FastBertConfig(BackboneConfig(len(TOKENS), 2, 2, 16, 32, max_sequence_length=20), 2, branch_dim=8)


class ProfileCommandTest(tf.test.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        holder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(holder.cleanup)
        cls.folder = Path(holder.name)
        cls.classifier = cls.folder / "classifier"
        tokenizer = WordPieceTokenizer(Vocabulary(TOKENS), max_sequence_length=20)
        model = FastBert.from_fastbert_config(CONFIG)
        save_classifier(SavedClassifier(model, tokenizer, ("bad", "good"), False), cls.classifier)

    def assert_refused(self, words, *expected):
        """Checks for exit code 1 and one line on stderr that holds the expected words."""
        code, out, err = fastbert("profile", *words)
        self.assertEqual((code, out), (1, ""))
        self.assertLen(err.strip().splitlines(), 1, err)
        for word in expected:
            self.assertIn(str(word), err)

    def test_profiles_a_trained_classifier(self):
        output = self.folder / "runs" / "profile"
        words = ["--model", self.classifier, "--output", output, "--batch", 3, "--length", 20, "--repeats", 2]
        code, out, err = fastbert("profile", *words)
        self.assertEqual((code, err), (0, ""))
        found = read_profile(output)
        self.assertEqual((found.batch_size, found.length, found.repeats), (3, 20, 2))
        self.assertEqual(found.config, CONFIG)
        self.assertEqual(found.total.executed_flops, executed_flops(CONFIG, 2, 20, folded_branch=False))
        self.assertRegex(out, r"\n\| +attention products \|")
        self.assertEqual((output / "profile.md").read_text().strip(), out.strip())

    def test_profiles_what_an_export_runs(self):
        words = ["--model", self.classifier, "--length", 20, "--repeats", 1]
        found = {}
        for precision in ("float32", "bfloat16", "int8"):
            output = self.folder / precision
            code, _, err = fastbert("profile", *words, "--output", output, "--precision", precision)
            self.assertEqual((code, err), (0, ""))
            found[precision] = read_profile(output)
            self.assertEqual(found[precision].total.paper_flops, paper_flops(CONFIG, 2, 20))
        for precision, size in (("float32", 4), ("bfloat16", 2)):
            for part in BLOCK_PARTS:
                self.assertGreater(found[precision].sum_of("", part).milliseconds, 0, part)
            feed_forward = found[precision].sum_of("", "feed_forward")
            elements = 2 * (2 * 16 * 32 + 32 + 16)  # of two layers: two matrices, two biases
            self.assertEqual((feed_forward.parameters, feed_forward.bytes), (elements, size * elements))
        blocks = {precision: profile.sum_of("", *BLOCK_PARTS).bytes for precision, profile in found.items()}
        self.assertLess(blocks["int8"], blocks["float32"] / 2)

    def test_bad_arguments(self):
        output = self.folder / "never"
        words = ["--model", self.classifier, "--output", output]
        self.assert_refused([*words, "--batch", 0], "batch must be at least 1 row, but is 0")
        self.assert_refused([*words, "--length", 21], "length must be 1 to the model's 20 positions, but is 21")
        self.assert_refused([*words, "--length", -1], "-1")
        words += ["--length", 20]
        self.assert_refused([*words, "--repeats", 0], "repeats must be at least 1, but is 0")
        self.assert_refused(
            [*words, "--tensorflow_intra_op_parallelism", -1], "threads must be at least 0 within", "-1"
        )
        self.assert_refused(["--model", self.folder / "none", "--output", output], self.folder / "none")
        self.assertFalse(output.exists())

    def test_threads_are_set_before_anything_runs(self):
        words = ["--model", self.classifier, "--output", self.folder / "threads", "--length", 20, "--repeats", 1]
        order = mock.Mock()
        with (
            mock.patch("tensorflow.config.threading.set_intra_op_parallelism_threads", order.intra),
            mock.patch("tensorflow.config.threading.set_inter_op_parallelism_threads", order.inter),
            mock.patch("fastbert_tf.recipes.profile.load_classifier", order.load),
        ):
            order.load.side_effect = ValueError("far enough")
            options = ["--tensorflow_intra_op_parallelism", 2, "--tensorflow_inter_op_parallelism", 1]
            self.assert_refused([*words, *options], "far enough")
        self.assertEqual(
            order.mock_calls, [mock.call.intra(2), mock.call.inter(1), mock.call.load(str(self.classifier))]
        )

    def test_an_output_that_cannot_be_written_fails_before_it_has_cost_anything(self):
        blocked = self.folder / "blocked"
        blocked.write_text("a file, not a folder")
        with mock.patch("fastbert_tf.recipes.profile.profile_stack") as profile:
            self.assert_refused(["--model", self.classifier, "--output", blocked / "profile"], blocked)
        profile.assert_not_called()


if __name__ == "__main__":
    tf.test.main()
