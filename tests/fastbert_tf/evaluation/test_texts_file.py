"""Texts beside an evaluation's branch outputs."""

from __future__ import annotations

import tempfile
from pathlib import Path

import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.evaluation import RowTexts, drop_texts, read_texts, write_texts

SINGLE = RowTexts(("one\nline", "zwei ä", '<b>"'), None, ("no", "yes"))
PAIRS = RowTexts(("a", "b"), ("c", "d"), ("no", "yes"))


class TextsFileTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = Path(holder.name)

    @parameterized.parameters(SINGLE, PAIRS)
    def test_round_trip(self, texts):
        write_texts(texts, self.folder, "model")
        self.assertEqual(read_texts(self.folder, "model", len(texts.texts)), texts)
        self.assertEqual([path.name for path in self.folder.iterdir()], ["texts.json"])

    def test_none_of_another_evaluation(self):
        self.assertIsNone(read_texts(self.folder, "model", 2))
        write_texts(PAIRS, self.folder, "model")
        self.assertIsNone(read_texts(self.folder, "other", 2))
        self.assertIsNone(read_texts(self.folder, "model", 3))
        drop_texts(self.folder)
        drop_texts(self.folder)
        self.assertIsNone(read_texts(self.folder, "model", 2))

    def test_rows(self):
        self.assertEqual((SINGLE.row(1), PAIRS.row(1)), ("zwei ä", "b | d"))
        with self.assertRaisesRegex(ValueError, "2 texts need as many second texts, but there are 1"):
            RowTexts(("a", "b"), ("c",), ())

    @parameterized.parameters("", "[]", "{}", '{"model": "model"}', '{"model": "model", "texts": 3}')
    def test_damaged(self, content):
        (self.folder / "texts.json").write_text(content)
        with self.assertRaisesRegex(ValueError, "texts.json is damaged .*; evaluate again"):
            read_texts(self.folder, "model", 2)


if __name__ == "__main__":
    tf.test.main()
