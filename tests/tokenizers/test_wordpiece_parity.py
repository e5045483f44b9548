"""Every sentence of three real sets, encoded as Hugging Face's `tokenizers` does (run with -s to see the counts)."""

import csv
import os
import unittest
from pathlib import Path

import tensorflow as tf

from fastbert_tokenizers import Vocabulary, WordPieceTokenizer
from tokenizers import BertWordPieceTokenizer

REQUIRED_SHARE = 0.999


def read_columns(path: Path, *columns: str) -> list[list[str]]:
    with open(path, encoding="utf-8-sig", newline="\n") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [[row[column] for row in rows] for column in columns]


@unittest.skipUnless(os.environ.get("FASTBERT_DATA"), "set FASTBERT_DATA to the folder of data sets and vocabularies")
class WordPieceParityTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.data = Path(os.environ["FASTBERT_DATA"])

    def check(self, name, lengths, vocabulary, texts, pairs=None, lower_case=True) -> None:
        path = self.data / "vocab" / vocabulary
        reference = BertWordPieceTokenizer(str(path), lowercase=lower_case, strip_accents=lower_case)
        for length in lengths:
            reference.enable_truncation(length, strategy="longest_first")
            expected = reference.encode_batch(texts if pairs is None else list(zip(texts, pairs, strict=True)))
            tokenizer = WordPieceTokenizer(Vocabulary.load(path), lower_case, length)
            rows = {key: value.to_list() for key, value in tokenizer.encode(texts, pairs).items()}
            same = sum(
                token_ids == encoding.ids and segment_ids == encoding.type_ids
                for token_ids, segment_ids, encoding in zip(
                    rows["token_ids"], rows["segment_ids"], expected, strict=True
                )
            )
            print(f"\n{name}, {length} tokens: {same} of {len(texts)} identical", end="")
            self.assertGreaterEqual(same, REQUIRED_SHARE * len(texts))

    def test_sst2_dev(self):
        (texts,) = read_columns(self.data / "glue/SST-2/dev.tsv", "sentence")
        self.assertLen(texts, 872)
        self.check("SST-2 dev", (16, 128), "bert_base_uncased.txt", texts)

    def test_mrpc_dev(self):
        texts, pairs = read_columns(self.data / "glue/MRPC/dev.tsv", "#1 String", "#2 String")
        self.assertLen(texts, 408)
        self.check("MRPC dev, pairs", (32, 128), "bert_base_uncased.txt", texts, pairs)
        self.check("MRPC dev, pairs, cased", (128,), "bert_base_uncased.txt", texts, pairs, lower_case=False)

    def test_book_review_test(self):
        (texts,) = read_columns(self.data / "book_review/test.tsv", "text_a")
        self.assertLen(texts, 10000)
        self.check("Book review test", (128, 512), "bert_base_chinese.txt", texts)


if __name__ == "__main__":
    tf.test.main()
