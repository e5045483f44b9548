"""Pipelines of masked-language-model batches: what they hold, resuming, evaluation, and bad input."""

import re
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from corpora import LETTERS, SPECIALS, STUDENT, TEACHER, WORDS, paragraphs, write_corpus

from fastbert_tf.data import DualPipeline, MaskedLmPipeline, MaskingConfig, SegmentedCorpus
from fastbert_tokenizers import Vocabulary

LENGTH = 24
LINES = paragraphs(60)
SHIFT = len(TEACHER)


def numpy_batches(dataset):
    return [{name: value.numpy() for name, value in batch.items()} for batch in dataset]


class PipelineTestCase(tf.test.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = Path(tempfile.mkdtemp())
        file = write_corpus(cls.folder / "corpus.txt.gz", LINES)
        cls.corpus = SegmentedCorpus(file, [TEACHER, STUDENT], max_sequence_length=LENGTH)
        cls.dual = DualPipeline(cls.corpus, 0.5, batch_size=8, pad_to_multiple_of=4)
        cls.student = MaskedLmPipeline(cls.corpus, 8, pad_to_multiple_of=4)

    def assert_same(self, first, second):
        self.assertEqual(len(first), len(second))
        for one, other in zip(first, second, strict=True):
            self.assertEqual(set(one), set(other))
            for name, value in one.items():
                self.assertAllEqual(value, other[name])


class SegmentedCorpusTest(PipelineTestCase):
    def test_rows_hold_every_word_once_and_fit(self):
        words = Counter()
        for row in range(len(self.corpus)):
            spelled = [
                words_of(self.corpus, part, row) for part in range(2)
            ]  # by the teacher's vocabulary and by the student's
            self.assertEqual(spelled[0], spelled[1])
            words.update(spelled[0])
        self.assertEqual(words, Counter(re.findall(r"\w+|[.,]", " ".join(LINES))))
        self.assertLessEqual(self.corpus.lengths.max(), LENGTH)
        sizes = (self.corpus.ends - self.corpus.starts).max(axis=0) + 2
        self.assertAllEqual(self.corpus.lengths, sizes)
        self.assertEqual(self.corpus.tokens[0], words.total() + 2 * len(self.corpus))
        self.assertAllEqual(self.corpus.unknown_rates, [0.0, 0.0])

    def test_a_vocabulary_that_cannot_spell_the_corpus(self):
        small = Vocabulary([*SPECIALS, *(c for c in LETTERS if c != "z"), *(f"##{c}" for c in LETTERS), *".,"])
        file = write_corpus(self.folder / "zoo.txt", ["zebra zoo"] + ["a horse"] * 20)
        with self.assertRaisesRegex(ValueError, r"vocabulary 1 \(\d+ tokens\) cannot spell 7.0% .* it lacks z"):
            SegmentedCorpus([file, write_corpus(self.folder / "zz.txt", ["zebra"])], [TEACHER, small])
        file = write_corpus(self.folder / "zh.txt", ["北京大学"])
        with self.assertRaisesRegex(ValueError, "cannot spell 100.0% of the corpus' words, .* it lacks 北 京 大 学"):
            SegmentedCorpus(file, [TEACHER])

    def test_errors(self):
        file = self.folder / "corpus.txt.gz"
        with self.assertRaisesRegex(ValueError, "max_sequence_length must be an integer of at least 3"):
            SegmentedCorpus(file, [TEACHER], max_sequence_length=2)
        with self.assertRaisesRegex(ValueError, "no word that fits"):
            SegmentedCorpus(write_corpus(self.folder / "long.txt", ["abcdef"]), [TEACHER], max_sequence_length=5)
        with self.assertRaisesRegex(ValueError, "one Vocabulary or several"):
            SegmentedCorpus(file, [])


def words_of(corpus, part, row):
    joint = corpus.vocabulary
    ids = corpus.pieces[part][corpus.starts[part, row] : corpus.ends[part, row]].astype(int) + joint.offsets[part]
    return [word for word, _ in joint.words(ids.tolist())]


class DualPipelineTest(PipelineTestCase, parameterized.TestCase):
    def test_batches_are_as_promised(self):
        pipeline = self.dual
        batches = numpy_batches(pipeline.epoch(seed=1))
        self.assertLen(batches, pipeline.steps_per_epoch)
        self.assertEqual(pipeline.steps_per_epoch, len(self.corpus) // 8)
        for batch in batches:
            self.assertEqual({value.dtype for value in batch.values()}, {np.dtype(np.int32)})
            for side, vocabulary in (("teacher", TEACHER), ("student", STUDENT)):
                ids, mask, labels = (batch[f"{side}_{name}"] for name in ("ids", "mask", "labels"))
                self.assertEqual({ids.shape, mask.shape, labels.shape}, {(8, ids.shape[1])})
                self.assertTrue(ids.shape[1] % 4 == 0 or ids.shape[1] == LENGTH)
                real = mask.sum(axis=1)
                self.assertAllEqual(mask, np.arange(ids.shape[1]) < real[:, None])
                self.assertAllEqual(ids[:, 0], [vocabulary.start_id] * 8)
                self.assertAllEqual(ids[np.arange(8), real - 1], [vocabulary.end_id] * 8)
                self.assertAllEqual(ids[mask == 0], [vocabulary.padding_id] * int((mask == 0).sum()))
                self.assertAllEqual(labels[:, 0], [-1] * 8)
                self.assertAllEqual(labels[mask == 0], [-1] * int((mask == 0).sum()))
                self.assertAllInRange(ids, 0, len(STUDENT if side == "student" else self.corpus.vocabulary) - 1)

    def test_the_inverse_gives_the_sentence_in_both_sequences(self):
        choices, predicted = [], 0
        rows = [dict(zip(batch, row, strict=True)) for batch in numpy_batches(self.dual.ordered())
                for row in zip(*batch.values(), strict=True)]  # fmt: skip
        for number, row in zip(self.dual.order, rows, strict=True):
            found = {}
            for side, offset in (("teacher", 0), ("student", SHIFT)):
                original = np.where(row[f"{side}_labels"] >= 0, row[f"{side}_labels"], row[f"{side}_ids"])
                inner = original[1 : row[f"{side}_mask"].sum() - 1] + offset
                found[side] = self.corpus.vocabulary.words(inner.tolist())
            self.assertEqual([word for word, _ in found["teacher"]], [word for word, _ in found["student"]])
            self.assertEqual([word for word, _ in found["teacher"]], words_of(self.corpus, 0, number))
            choices += [choice for _, choice in found["teacher"]]
            predicted += int((row["student_labels"] >= 0).sum())
        self.assertAllClose(np.mean(choices), 0.5, atol=4 * 0.5 / len(choices) ** 0.5)
        self.assertGreater(predicted, 0)

    @parameterized.parameters(0.0, 1.0)
    def test_at_the_ends_the_teacher_reads_one_vocabulary(self, probability):
        (batch,) = numpy_batches(DualPipeline(self.corpus, probability, len(self.corpus)).epoch(0))
        inner = (batch["teacher_mask"] == 1) & (np.cumsum(batch["teacher_mask"], axis=1) > 1)
        inner &= batch["teacher_ids"] != TEACHER.end_id
        visible = batch["teacher_ids"][inner & (batch["teacher_ids"] != TEACHER.mask_id)]
        labels = batch["teacher_labels"][batch["teacher_labels"] >= 0]
        for ids in (visible, labels):
            self.assertAllInRange(ids, *((0, SHIFT - 1) if probability == 0 else (SHIFT, SHIFT + len(STUDENT) - 1)))
        if probability == 1:  # then both sequences are the same, but for the special tokens
            labels = batch["teacher_labels"]
            self.assertAllEqual(np.where(labels >= 0, labels - SHIFT, -1), batch["student_labels"])

    def test_the_student_s_batches_do_not_depend_on_the_teacher(self):
        other = DualPipeline(self.corpus, 0.0, 8, pad_to_multiple_of=4)
        epochs = [numpy_batches(pipeline.epoch(3)) for pipeline in (other, self.dual, self.student)]
        students = [[{k: v for k, v in b.items() if k.startswith("student")} for b in epoch] for epoch in epochs]
        self.assertEqual(set(students[2][0]), set(epochs[2][0]))
        self.assert_same(students[0], students[1])
        self.assert_same(students[0], students[2])

    def test_resuming_gives_the_same_batches(self):
        pipeline = self.dual
        whole = numpy_batches(pipeline.epoch(5))
        corpus = SegmentedCorpus(self.folder / "corpus.txt.gz", [TEACHER, STUDENT], True, LENGTH)
        again = DualPipeline(corpus, 0.5, 8, pad_to_multiple_of=4)
        self.assert_same(numpy_batches(again.epoch(5, skip=3)), whole[3:])
        self.assertEqual(numpy_batches(pipeline.epoch(5, skip=pipeline.steps_per_epoch)), [])
        steps = pipeline.steps_per_epoch
        stream = pipeline.stream(seed=2)
        beginning = numpy_batches([next(stream) for _ in range(2 * steps + 2)])
        resumed = again.stream(seed=2, start=steps + 1)
        self.assert_same(numpy_batches([next(resumed) for _ in range(steps + 1)]), beginning[steps + 1 :])

    def test_epochs_differ(self):
        pipeline = MaskedLmPipeline(self.corpus, len(self.corpus))
        (first,), (second,) = (numpy_batches(pipeline.epoch(seed)) for seed in (0, 1))
        self.assertNotAllEqual(first["student_labels"], second["student_labels"])
        rows = [
            sorted(np.where(b["student_labels"] >= 0, b["student_labels"], b["student_ids"]).tolist())
            for b in (first, second)
        ]
        self.assertEqual(rows[0], rows[1])  # the same sentences

    def test_evaluation_is_fixed_and_complete(self):
        pipeline = MaskedLmPipeline(self.corpus, 8, side="teacher", part=0)
        batches = numpy_batches(pipeline.ordered())
        self.assert_same(batches, numpy_batches(pipeline.ordered()))
        self.assertEqual(sum(len(batch["teacher_ids"]) for batch in batches), len(self.corpus))
        lengths = np.concatenate([batch["teacher_mask"].sum(axis=1) for batch in batches])
        self.assertAllEqual(lengths, (self.corpus.ends - self.corpus.starts)[0, pipeline.order] + 2)
        self.assertEqual(batches[0]["teacher_ids"][0, 0], TEACHER.start_id)

    def test_one_shape(self):
        pipeline = DualPipeline(self.corpus, 0.5, 8, pad_to_multiple_of=LENGTH)
        shapes = {value.shape for batch in pipeline.epoch(0) for value in batch.values()}
        self.assertEqual(shapes, {(8, LENGTH)})

    def test_errors(self):
        with self.assertRaisesRegex(ValueError, r"p_DT\) must be a number in \[0, 1\]"):
            DualPipeline(self.corpus, 1.5)
        with self.assertRaisesRegex(ValueError, "batch_size must be an integer of at least 1"):
            DualPipeline(self.corpus, 0.5, 0)
        with self.assertRaisesRegex(ValueError, "do not fill a batch"):
            MaskedLmPipeline(self.corpus, 10_000).epoch(0)
        with self.assertRaisesRegex(ValueError, "skip must lie in"):
            self.student.epoch(0, skip=-1)
        with self.assertRaisesRegex(ValueError, "start must be at least 0"):
            next(self.student.stream(0, start=-1))
        with self.assertRaisesRegex(ValueError, r"part must lie in \[0, 2\)"):
            MaskedLmPipeline(self.corpus, part=2)
        single = SegmentedCorpus(write_corpus(self.folder / "one.txt", [" ".join(WORDS)]), [STUDENT])
        with self.assertRaisesRegex(ValueError, "two vocabularies, .* it has 1"):
            DualPipeline(single)
        self.assertLen(list(MaskedLmPipeline(single, 1, MaskingConfig(rate=0.5)).epoch(0)), 1)


if __name__ == "__main__":
    tf.test.main()
