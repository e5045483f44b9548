"""Rows, speeds and work that the performance benchmark measures."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import tensorflow as tf
from harness.peers.workload import Workload
from harness.performance.choice import answers, choose_speed, length_weights, loss_bound
from harness.performance.never import stretched
from harness.performance.predicted import rows_as_predicted
from harness.performance.rows import StoredRows, held_out
from harness.performance.work import packed_flops

from fastbert_tf.config import BackboneConfig, FastBertConfig
from fastbert_tf.data import BatchPipeline, make_sample_task
from fastbert_tf.evaluation import BranchOutputs, exit_choice
from fastbert_tf.recipes.digest import dataset_digest
from fastbert_tf.recipes.train import selection_split
from fastbert_tokenizers import WordPieceTokenizer


class RowsTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.task = make_sample_task(40, 20, 20)
        self.run_folder = Path(self.get_temp_dir())

    def write_settings(self, digest):
        (self.run_folder / "settings.json").write_text(
            json.dumps({"training": {"seed": 3}, "selection_rows": {"count": 20, "digest": digest}})
        )

    def test_held_out_rows_are_those_of_the_run(self):
        expected = selection_split(self.task, 20, seed=3)[1]
        self.write_settings(dataset_digest(expected))
        self.assertEqual(held_out(self.task, self.run_folder / "classifier").texts, expected.texts)

    def test_other_rows_are_refused(self):
        self.write_settings("0123")
        with self.assertRaisesRegex(ValueError, "trained on other rows"):
            held_out(self.task, self.run_folder / "classifier")

    def test_predictions_are_measured_on_the_batches_that_they_were_made_for(self):
        """The scheduler shuffles what `BatchPipeline.ordered` gives: rows must lie in that order."""
        tokenizer = WordPieceTokenizer(self.task.vocabulary, max_sequence_length=16)
        pipeline = BatchPipeline(self.task.dev, tokenizer, 4)
        masks = [features["padding_mask"].numpy().sum(1) for features, _ in pipeline.ordered()]
        labels = np.concatenate([labels for _, labels in pipeline.ordered()])
        subject = SimpleNamespace(
            classifier=SimpleNamespace(tokenizer=tokenizer),
            store=lambda rows, what: StoredRows(rows, Path(what)),
        )
        rows = rows_as_predicted(subject, self.task.dev, "predicted")
        self.assertAllEqual(rows.workload.lengths, exit_choice._as_they_come(np.concatenate(masks)))
        self.assertAllEqual(rows.labels, exit_choice._as_they_come(labels))


class Answering:
    """Stands for an adaptive engine: rows that leave early are wrong more often."""

    def __init__(self, wrong):
        self.wrong = wrong

    def answers(self, job, path):
        wrong = next(count for speed, count in self.wrong.items() if (job.speed or 0) <= speed)
        probabilities = np.tile([0.4, 0.6], (1000, 1))
        probabilities[:wrong] = [0.6, 0.4]
        return {"probabilities": probabilities, "exit_layer": np.full(1000, 2)}


class ChoiceTest(tf.test.TestCase):
    def test_the_highest_speed_with_a_standard_error_to_spare_is_chosen(self):
        rows = StoredRows(Workload([[1]] * 1000, [[0]] * 1000, [], [1] * 1000), Path("rows.json"))
        engine = Answering({0.0: 80, 0.3: 85, 0.6: 86, 0.7: 84, 1.0: 90})
        self.assertAllClose(answers(engine, rows, 0.3, Path()), {"accuracy": 0.915, "mean_exit_layer": 2.0})
        teacher = np.arange(1000) >= 80  # 1 loss in 1000 is 0.1 points, give or take 0.1; 5 are 0.5, give or take 0.22
        engine = Answering({0.0: 80, 0.3: 81, 0.6: 85, 0.7: 82, 1.0: 90})
        self.assertEqual(choose_speed(engine, rows, teacher, rows, Path()), 0.3)  # 0.6 fails: 0.7 is luck
        self.assertEqual(choose_speed(Answering({1.0: 85}), rows, teacher, rows, Path()), 0.0)

    def test_loss_is_paired_and_weighted(self):
        teacher, right = np.array([True, True, False, True]), np.array([True, False, True, True])
        even, first = np.full(4, 0.25), np.array([0.0, 1.0, 0.0, 0.0])
        self.assertAllClose(loss_bound(teacher, right, even), np.sqrt(2) / 4)
        self.assertAllClose(loss_bound(teacher, right, first), 1.0)

    def test_weights_spread_rows_over_lengths_as_others_are(self):
        lengths, like = np.array([5] * 90 + [30] * 10), np.array([5, 5, 5, 30, 30, 30])
        weights = length_weights(lengths, like)
        self.assertAllClose([weights[:90].sum(), weights[90:].sum()], [0.5, 0.5])


class WorkTest(tf.test.TestCase):
    def test_rows_pay_layers_and_folded_branches_until_they_leave(self):
        """By hand: hidden 4, inner 8, branch 2 with 1 head, 3 classes; rows of 2 and 3 tokens."""
        config = FastBertConfig(BackboneConfig(10, 3, 2, 4, 8, max_sequence_length=8), 3, branch_dim=2, branch_heads=1)

        def layer(n):
            return 2 * (n * 4 * 16 + 2 * n * n * 4 + n * 2 * 32)

        def branch(n):
            return 2 * (n * 4 * 2 + 2 * (n + 2) * 2 + 2 * 3)

        lengths = np.array([2, 3])
        self.assertEqual(packed_flops(config, lengths), sum(3 * layer(n) + branch(n) for n in (2, 3)))
        left = packed_flops(config, lengths, np.array([1, 3]), exits=(1, 3))
        self.assertEqual(left, layer(2) + branch(2) + 3 * layer(3) + 2 * branch(3))

    def test_exits_are_stretched_over_more_layers(self):
        says = np.arange(3, dtype=np.float32)[None, :, None] * np.ones((2, 1, 2), np.float32)  # (rows, layers, classes)
        lengths = np.array([5, 9], np.int32)
        deep = stretched(BranchOutputs(says, None, lengths), 6)
        self.assertAllEqual(deep.probabilities[0, :, 0], [0, 0, 1, 1, 2, 2])
        self.assertAllEqual(deep.lengths, [128, 128])


if __name__ == "__main__":
    tf.test.main()
