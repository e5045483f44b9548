"""Vocabulary: load, save, ids, and every rule's error."""

import os
from pathlib import Path

import tensorflow as tf

from fastbert_tokenizers import Vocabulary, VocabularyError

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


class VocabularyTest(tf.test.TestCase):
    def write(self, content: bytes) -> Path:
        path = Path(self.get_temp_dir()) / "vocab.txt"
        path.write_bytes(content)
        return path

    def lines(self, *tokens: str, end: str = "\n") -> bytes:
        return "".join(token + end for token in tokens).encode("utf-8")

    def test_ids_are_positions(self):
        vocabulary = Vocabulary(["a", "[MASK]", "[SEP]", "[CLS]", "[UNK]", "[PAD]", "##b"])
        ids = [vocabulary.padding_id, vocabulary.unknown_id, vocabulary.start_id, vocabulary.end_id, vocabulary.mask_id]
        self.assertEqual(ids, [5, 4, 3, 2, 1])
        self.assertEqual(vocabulary.id_of("##b"), 6)
        self.assertLen(vocabulary, 7)
        self.assertIn("a", vocabulary)
        self.assertNotIn("b", vocabulary)

    def test_save_and_load_round_trip(self):
        # Only a line feed ends a line: these separators are tokens of the Chinese vocabulary or look like line ends.
        odd = ["\u2028", "##\u2028", "\u2029", "\x85", "\x0c", "\x1c", "a b", "漢", "😀", "\ufeff"]
        vocabulary = Vocabulary([*SPECIALS, *odd])
        path = Path(self.get_temp_dir()) / "vocab.txt"
        vocabulary.save(path)
        self.assertEqual(path.read_bytes(), self.lines(*SPECIALS, *odd))
        self.assertEqual(Vocabulary.load(path), vocabulary)
        self.assertEqual(Vocabulary.load(str(path)).tokens, (*SPECIALS, *odd))
        self.assertEqual(os.listdir(path.parent), ["vocab.txt"])

    def test_save_replaces_a_file(self):
        path = self.write(b"something else")
        Vocabulary(SPECIALS).save(path)
        self.assertEqual(path.read_bytes(), self.lines(*SPECIALS))

    def test_line_ends_and_byte_order_mark_are_no_part_of_tokens(self):
        expected = Vocabulary([*SPECIALS, "a"])
        self.assertEqual(Vocabulary.load(self.write(self.lines(*SPECIALS, "a", end="\r\n"))), expected)
        self.assertEqual(Vocabulary.load(self.write(self.lines(*SPECIALS) + b"a")), expected)
        self.assertEqual(Vocabulary.load(self.write(b"\xef\xbb\xbf" + self.lines(*SPECIALS, "a"))), expected)

    def test_equality_and_hash(self):
        self.assertEqual(hash(Vocabulary(SPECIALS)), hash(Vocabulary(tuple(SPECIALS))))
        self.assertNotEqual(Vocabulary(SPECIALS), Vocabulary([*SPECIALS, "a"]))
        self.assertNotEqual(Vocabulary(SPECIALS), SPECIALS)

    def assert_load_error(self, content: bytes, *words: str) -> None:
        path = self.write(content)
        with self.assertRaises(VocabularyError) as caught:
            Vocabulary.load(path)
        message = str(caught.exception)
        self.assertNotIn("\n", message)
        for word in (str(path), *words):
            self.assertIn(word, message)

    def test_empty_file(self):
        self.assert_load_error(b"", "is empty")

    def test_empty_line(self):
        self.assert_load_error(self.lines(*SPECIALS[:2], "", *SPECIALS[2:]), "line 3", "must not be empty")
        self.assert_load_error(self.lines(*SPECIALS, ""), "line 6", "must not be empty")

    def test_missing_specials_are_named(self):
        self.assert_load_error(self.lines("[PAD]", "[UNK]", "[CLS]", "a"), "lacks [SEP] [MASK]")

    def test_duplicates_are_named_with_their_lines(self):
        tokens = [*SPECIALS, "a", "b", "a", "c", "b", "d", "d", "e", "e"]
        self.assert_load_error(
            self.lines(*tokens), "'a' on line 6 and line 8", "'b' on line 7 and line 10", "'d' on", "and 1 more"
        )

    def test_not_utf8(self):
        content = self.lines(*SPECIALS) + "caf\u00e9\n".encode("latin-1")
        self.assert_load_error(content, "must be UTF-8", "line 6", "0xe9")

    def test_missing_file_and_directory(self):
        missing = Path(self.get_temp_dir()) / "nothing.txt"
        with self.assertRaisesRegex(VocabularyError, "nothing.txt cannot be read"):
            Vocabulary.load(missing)
        with self.assertRaisesRegex(VocabularyError, "cannot be read"):
            Vocabulary.load(missing.parent)

    def test_unwritable_target_leaves_nothing(self):
        folder = Path(self.get_temp_dir())
        with self.assertRaisesRegex(VocabularyError, "cannot be written"):
            Vocabulary(SPECIALS).save(folder / "absent" / "vocab.txt")
        (folder / "taken").mkdir()
        with self.assertRaisesRegex(VocabularyError, "cannot be written"):
            Vocabulary(SPECIALS).save(folder / "taken")
        self.assertEqual(os.listdir(folder), ["taken"])

    def test_constructor_rules(self):
        for tokens, words in (
            ([], "is empty"),
            ("[PAD]", "received one string"),
            ([*SPECIALS, 7], "entry 6: a token must be a string, received int"),
            ([*SPECIALS, "a\nb"], "entry 6: a token must not hold a line end"),
            ([*SPECIALS, "a\r"], "entry 6: a token must not hold a line end"),
            ([*SPECIALS, "\ud800"], "entry 6: a token must be valid Unicode"),
            ([*SPECIALS, "[PAD]"], "'\\[PAD\\]' on entry 1 and entry 6"),
        ):
            with self.subTest(words), self.assertRaisesRegex(VocabularyError, words):
                Vocabulary(tokens)

    def test_unknown_token_has_no_id(self):
        with self.assertRaisesRegex(ValueError, "'zebra' is not among the 5 tokens"):
            Vocabulary(SPECIALS).id_of("zebra")


if __name__ == "__main__":
    tf.test.main()
