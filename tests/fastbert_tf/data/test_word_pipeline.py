"""Batches in which two vocabularies cut the same words."""

import re
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf
from corpora import STUDENT, TEACHER, paragraphs, write_corpus

from fastbert_tf.data import SegmentedCorpus, WordPipeline
from fastbert_tokenizers import WordPieceTokenizer

LENGTH = 24
LINES = paragraphs(60)


def words_by_number(vocabulary, ids, numbers):
    """The spelled word of every number of a row."""
    words = {}
    for token, number in zip(ids, numbers, strict=True):
        if number:
            words[int(number)] = words.get(int(number), "") + vocabulary.tokens[token].removeprefix("##")
    return words


class WordPipelineTest(tf.test.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.file = write_corpus(Path(tempfile.mkdtemp()) / "corpus.txt.gz", LINES)
        cls.corpus = SegmentedCorpus(cls.file, [TEACHER, STUDENT], max_sequence_length=LENGTH)
        cls.pipeline = WordPipeline(cls.corpus, batch_size=8, pad_to_multiple_of=4)
        cls.batches = [{name: v.numpy() for name, v in batch.items()} for batch in cls.pipeline.ordered()]

    def test_equal_numbers_are_equal_words(self):
        seen = []
        for batch in self.batches:
            for row in range(len(batch["word_mask"])):
                teacher, student = (
                    words_by_number(vocabulary, batch[f"{side}_ids"][row], batch[f"{side}_words"][row])
                    for side, vocabulary in (("teacher", TEACHER), ("student", STUDENT))
                )
                self.assertEqual(teacher, student)
                self.assertEqual(list(teacher), list(range(1, batch["word_mask"][row].sum() + 1)))
                words = list(teacher.values())
                self.assertEqual((words[0], words[-1]), ("[CLS]", "[SEP]"))
                seen += words[1:-1]
        self.assertCountEqual(seen, re.findall(r"\w+|[.,]", " ".join(LINES)))

    def test_ids_are_the_tokenizers(self):
        """The shortest row is a whole paragraph."""
        batch = self.batches[0]
        words = words_by_number(TEACHER, batch["teacher_ids"][0], batch["teacher_words"][0])
        text = " ".join(list(words.values())[1:-1])
        for side, vocabulary in (("teacher", TEACHER), ("student", STUDENT)):
            expected = WordPieceTokenizer(vocabulary)(text)["token_ids"][0]
            self.assertAllEqual(batch[f"{side}_ids"][0][: len(expected)], expected)
            self.assertAllEqual(
                batch[f"{side}_words"][0][len(expected) :], [0] * (len(batch[f"{side}_ids"][0]) - len(expected))
            )

    def test_shapes(self):
        for batch in self.batches:
            for side in ("teacher", "student"):
                self.assertEqual(batch[f"{side}_ids"].shape, batch[f"{side}_words"].shape)
                self.assertLessEqual(batch["word_mask"].shape[1], batch[f"{side}_ids"].shape[1])
                self.assertEqual(batch[f"{side}_ids"].shape[1] % 4, 0)
            self.assertEqual({values.dtype for values in batch.values()}, {np.dtype(np.int32)})

    def test_goes_on_with_the_same_batches(self):
        whole = list(self.pipeline.epoch(seed=3))
        for one, other in zip(whole[2:], self.pipeline.epoch(seed=3, skip=2), strict=True):
            for name in one:
                self.assertAllEqual(one[name], other[name])

    def test_needs_two_vocabularies(self):
        corpus = SegmentedCorpus(self.file, [TEACHER], max_sequence_length=LENGTH)
        with self.assertRaisesRegex(ValueError, "two vocabularies"):
            WordPipeline(corpus, 8)


if __name__ == "__main__":
    tf.test.main()
