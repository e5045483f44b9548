"""Counting words: the same by one process and several, and files of counts."""

import re
import tempfile
from collections import Counter
from pathlib import Path
from unittest import mock

import tensorflow as tf
from corpora import paragraphs, write_corpus

from fastbert_tf.data import count_words, read_word_counts, word_counting, write_word_counts


class WordCountingTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = Path(tempfile.mkdtemp(dir=self.get_temp_dir()))

    def test_files_add_up_and_processes_do_not_matter(self):
        lines = [line.capitalize() for line in paragraphs(300)]
        files = [
            write_corpus(self.folder / "a.txt", lines[:100]),
            write_corpus(self.folder / "b.gz", ["", *lines[100:], ""]),
        ]
        expected = Counter(re.findall(r"\w+|[.,]", " ".join(lines).lower()))
        self.assertEqual(count_words(files, processes=1), expected)
        self.assertEqual(count_words(files[0], processes=1) + count_words(files[1], processes=1), expected)
        blocks = word_counting.corpus_blocks
        with mock.patch.object(word_counting, "corpus_blocks", lambda files: blocks(files, 1000)):
            self.assertEqual(count_words(files, processes=2), expected)
        cased = count_words(files, lower_case=False, processes=1)
        self.assertEqual(cased.total(), expected.total())
        self.assertIn("The", cased)

    def test_a_file_of_counts_is_read_back(self):
        counts = Counter({"the": 5, "字": 2, ",": 3, '"': 1})
        write_word_counts(counts, self.folder / "counts.tsv")
        self.assertEqual((self.folder / "counts.tsv").read_text("utf-8").split("\n")[:2], ["the\t5", ",\t3"])
        self.assertEqual(read_word_counts([self.folder / "counts.tsv"] * 2), counts + counts)

    def test_errors(self):
        for line in ("word", "word\t", "word\t-1", "word\t0", "\t3", "word\t3\tx", "word\t²"):
            path = write_corpus(self.folder / "counts.tsv", ["the\t5", line])
            with self.assertRaisesRegex(ValueError, "counts.tsv:2 must be a word, a tab and its count"):
                read_word_counts(path)
        with self.assertRaisesRegex(ValueError, "processes must be at least 1"):
            count_words(path, processes=0)


if __name__ == "__main__":
    tf.test.main()
