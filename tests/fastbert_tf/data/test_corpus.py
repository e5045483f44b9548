"""Corpora: blocks hold every paragraph once, and files that are no text are refused with their line."""

import gzip
import tempfile
from pathlib import Path

import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.data.corpus import corpus_blocks, corpus_bytes, corpus_files


class CorpusTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = Path(tempfile.mkdtemp(dir=self.get_temp_dir()))

    def file(self, content, name="corpus.txt"):
        path = self.folder / name
        path.write_bytes(content)
        return path

    @parameterized.parameters(1, 7, 50, 1 << 22)
    def test_every_paragraph_once_in_order(self, block_bytes):
        lines = [f"paragraph {i} 漢字" * (i % 5) for i in range(40)]
        content = "\n".join(lines).encode()
        files = [self.file(content), self.file(gzip.compress(b"\xef\xbb\xbf" + content + b"\n"), "b.txt.gz")]
        blocks = list(corpus_blocks(corpus_files(files), block_bytes))
        found = [paragraph.decode() for block in blocks for paragraph in block.paragraphs()]
        self.assertEqual(found, [line for line in lines if line] * 2)
        positions = [block.position for block in blocks]
        self.assertEqual(positions, sorted(positions))
        self.assertEqual(positions[-1], corpus_bytes(files))

    def test_carriage_returns_and_other_separators_end_no_line(self):
        (block,) = corpus_blocks(corpus_files(self.file("a\u2028b\x0cc\r\n \nd".encode())))
        self.assertEqual(block.paragraphs(), ["a\u2028b\x0cc\r".encode(), b"d"])

    @parameterized.parameters(
        (b"", "holds no text"),
        (b"\n \n\n", "holds no text"),
        (b"good\n\x00\x01\x02", ":2 holds a zero byte"),
        ("Übung\n".encode("utf-16"), ":1 (is not valid UTF-8|holds a zero byte)"),
        (b"good\n\ncaf\xe9\n", ":3 is not valid UTF-8 .byte 0xe9."),
        (b"\x89PNG\r\n\x1a\n", ":1 is not valid UTF-8"),
        (b"x" * ((1 << 24) + (1 << 22)), "a line of more than 16,777,216 bytes"),
    )
    def test_refused_before_work_begins(self, content, words):
        with self.assertRaisesRegex(ValueError, rf"corpus\.txt ?(has )?{words}"):
            corpus_files([self.file(b"fine\n", "fine.txt"), self.file(content)])

    def test_files_that_cannot_be_read(self):
        with self.assertRaisesRegex(ValueError, "at least one file"):
            corpus_files([])
        with self.assertRaisesRegex(ValueError, "absent.txt cannot be read"):
            corpus_files(self.folder / "absent.txt")
        with self.assertRaisesRegex(ValueError, "not a whole gzip file"):
            corpus_files(self.file(b"plain text", "named.gz"))
        truncated = gzip.compress(bytes(range(1, 127)) * 100)[:-20]
        with self.assertRaisesRegex(ValueError, "not a whole gzip file"):
            corpus_files(self.file(truncated, "cut.gz"))

    def test_a_fault_far_behind_is_found_with_its_line(self):
        files = corpus_files(self.file(b"fine\n" * 1_000_000 + b"\xff\n"))
        with self.assertRaisesRegex(ValueError, ":1000001 is not valid UTF-8"):
            list(corpus_blocks(files))


if __name__ == "__main__":
    tf.test.main()
