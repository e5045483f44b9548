import gzip
import pathlib

import tensorflow as tf

from fastbert_tf.data import read_lines


class ReadLinesTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.get_temp_dir())

    def write(self, name, content):
        path = self.folder / name
        path.write_bytes(content)
        return path

    def test_reads_plain_and_compressed_files_in_order_without_blank_lines(self):
        plain = self.write("a.txt", "\ufeffone\r\n\r\n  two\n \t \nthree".encode())
        packed = self.write("b.txt.gz", gzip.compress("vier 😀\n\n".encode()))
        dataset = read_lines([plain, packed])
        self.assertEqual(dataset.texts, ("one", "  two", "three", "vier 😀"))
        self.assertIsNone(dataset.labels)
        self.assertEqual(read_lines(str(packed)).texts, ("vier 😀",))

    def test_only_a_line_feed_ends_a_line(self):
        text = "a\u2028b\u0085c\x0bd\x0ce\u2029f\rg"
        self.assertEqual(read_lines(self.write("separators.txt", (text + "\nnext").encode())).texts, (text, "next"))

    def test_bad_files_are_named_with_line_and_mend(self):
        cases = [
            ("latin.txt", "ok\nna\u00efve".encode("latin-1"), r"latin\.txt:2 is not valid UTF-8 \(byte 0xef\)"),
            ("utf16.txt", "text".encode("utf-16"), r"utf16\.txt:1 is not valid UTF-8"),
            ("empty.txt", b"", "is empty"),
            ("bom.txt", b"\xef\xbb\xbf", "is empty"),
            ("blank.txt", b"\n \n", "only blank lines"),
            ("cut.txt.gz", gzip.compress(b"text" * 1000)[:-20], "not a whole gzip file"),
            ("plain.txt.gz", b"text", "not a whole gzip file"),
        ]
        for name, content, message in cases:
            with self.subTest(name), self.assertRaisesRegex(ValueError, message) as raised:
                read_lines(self.write(name, content))
            self.assertIn(str(self.folder / name), str(raised.exception))
            self.assertNotIn("\n", str(raised.exception))

    def test_missing_file_and_folder(self):
        with self.assertRaisesRegex(ValueError, "nowhere.txt does not exist"):
            read_lines(self.folder / "nowhere.txt")
        with self.assertRaisesRegex(ValueError, "cannot be read"):
            read_lines(self.folder)
