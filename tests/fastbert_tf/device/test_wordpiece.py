"""The tokenizer in plain Python against the one that trains the models, and against Hugging Face's."""

import csv
import os
import random
import tempfile
import unicodedata
import unittest
from pathlib import Path

import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.device import WordPiece
from fastbert_tokenizers import Vocabulary, WordPieceTokenizer
from tokenizers import BertWordPieceTokenizer

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,!?'\"-$+<=>^`|~[]#@&*()_"
WORDS = ["film", "##s", "good", "##ly", "un", "##believ", "##able", "é", "É", "##É", "ß", "漢", "字", "##字"]
GREEK = ["σ", "##σ", "ς"]
TOKENS = list(dict.fromkeys([*SPECIALS, "Film", *WORDS, *GREEK, *LETTERS, *(f"##{letter}" for letter in LETTERS)]))
FOREIGN = "éÉñßæøİıſﬁ…ΑΣσςЖйЙابहि한국漢字々。「カガｶﾞー😀\u200d\u00ad\u00a0\u2028\u0301\u0323\ufe0f\x00\ufffd"
HARD = [
    "",
    " \t\r\n ",
    "Films, GOOD films; unbelievably good... films!!!",
    "[SEP] [CLS] [unused1] ##s",
    "a\x00b\x07c\x7f\x85d\ufffde",
    "zero\u200bwidth soft\u00adhyphen \ufeffbom \u2028line\u2029par\u00a0nbsp\u3000wide",
    "ÉCOLE école E\u0301cole Straße ﬁlm Ｆｉｌｍ ＡＢ，…",
    "ΟΔΟΣ ΣΑΣ σας İstanbul ıI",
    "漢字film字漢 カガ ｶﾞ 한국어 हिन्दी ไทยำ \U00020000\U0002b820",
    "😀👩🏽\u200d❤\ufe0f great",
    "x" * 100,
    "x" * 101,
    "." * 300,
    "very " * 300,
    "\u0301\u0323" * 40 + "a",
]
# Changed their class since Unicode 8, of which Hugging Face's tables are.
RECLASSIFIED = {"\u166d", "\u1734", "\u1885", "\u1886"}


def known(code):
    """Whether Unicode 3.2 has the character, and gives it the class that this Python does."""
    character = chr(code)
    old = unicodedata.ucd_3_2_0.category(character)
    return old != "Cn" and old == unicodedata.category(character) and character not in RECLASSIFIED


class WordPieceTest(tf.test.TestCase, parameterized.TestCase):
    def compare(self, texts, lower_case=True, length=64, tokens=TOKENS, pairs=None):
        expected = WordPieceTokenizer(Vocabulary(tokens), lower_case, length).encode(texts, pairs)
        ids, segments = (expected[name].to_list() for name in ("token_ids", "segment_ids"))
        ours = WordPiece(tokens, lower_case, length)
        for row, text in enumerate(texts):
            found = ours.encode(text) if pairs is None else ours.encode(text, pairs[row])
            self.assertEqual(found, (ids[row], segments[row]), msg=repr(text))

    @parameterized.product(lower_case=[True, False], length=[5, 16, 128])
    def test_hard_cases(self, lower_case, length):
        self.compare(HARD, lower_case, length)
        self.compare(HARD, lower_case, length, pairs=HARD[::-1])

    def test_broken_utf8_is_deleted(self):
        self.compare([b"good\xff film", b"\xe6\xbc", b"\xed\xa0\x80x", b"\xc0\xaf", b"\xf4\x90\x80\x80"])

    @parameterized.parameters(True, False)
    def test_every_character(self, lower_case):
        """Ten characters a text keep it quick; a letter before and after shows what joins words."""
        codes = [code for code in [*range(1, 0xD800), *range(0xE000, 0x2FA20)] if known(code)]
        self.assertGreater(len(codes), 90000)
        alike = ("CJK UNIFIED", "HANGUL SYLLABLE")  # every 16th of these is enough
        chosen = [code for code in codes if code % 16 == 0 or not unicodedata.name(chr(code), "").startswith(alike)]
        tens = (chosen[start : start + 10] for start in range(0, len(chosen), 10))
        texts = ["".join(f"a{chr(code)}b " for code in ten) for ten in tens]
        self.compare(texts, lower_case, length=128)

    def test_random_mixtures(self):
        pool = [*LETTERS, *"ABC \t\n", *FOREIGN]
        generator = random.Random(7)
        texts = ["".join(generator.choices(pool, k=generator.randrange(1, 60))) for _ in range(3000)]
        for lower_case in (True, False):
            self.compare(texts, lower_case)
            reference = BertWordPieceTokenizer(
                {token: i for i, token in enumerate(TOKENS)}, lowercase=lower_case, strip_accents=lower_case
            )
            ours = WordPiece(TOKENS, lower_case)
            for text, encoding in zip(texts, reference.encode_batch(texts, add_special_tokens=False), strict=True):
                self.assertEqual(ours.tokenize(text), encoding.ids, msg=repr(text))

    @unittest.skipUnless(
        os.environ.get("FASTBERT_DATA"), "set FASTBERT_DATA to the folder of data sets and vocabularies"
    )
    def test_all_of_sst2_dev(self):
        data = Path(os.environ["FASTBERT_DATA"])
        with open(data / "glue/SST-2/dev.tsv", encoding="utf-8", newline="\n") as file:
            texts = [row["sentence"] for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]
        self.assertLen(texts, 872)
        path = data / "vocab/bert_base_uncased.txt"
        for length in (16, 128):
            expected = WordPieceTokenizer(Vocabulary.load(path), max_sequence_length=length).encode(texts)["token_ids"]
            reference = BertWordPieceTokenizer(str(path))
            reference.enable_truncation(length)
            ours = WordPiece.load(path, max_sequence_length=length)
            found = [ours.encode(text)[0] for text in texts]
            self.assertEqual(found, expected.to_list())
            self.assertEqual(found, [encoding.ids for encoding in reference.encode_batch(texts)])

    def test_reads_files_as_the_other_does(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "vocab.txt"
            path.write_bytes("\ufeff".encode() + "\r\n".join([*SPECIALS, "a", "\u2028", "b"]).encode() + b"\r\n")
            self.assertEqual(WordPiece.load(path).tokenize("a b c"), [5, 7, 1])
            self.assertEqual(list(Vocabulary.load(path).tokens), [*SPECIALS, "a", "\u2028", "b"])

    def test_refuses_what_cannot_work(self):
        with self.assertRaisesRegex(ValueError, r"lacks \[UNK\] \[SEP\]; take the vocab.txt that belongs"):
            WordPiece(["[CLS]", "a"])
        with self.assertRaisesRegex(ValueError, "must be at least 5, but is 4"):
            WordPiece(TOKENS, max_sequence_length=4)
        with self.assertRaises(FileNotFoundError):
            WordPiece.load("/nowhere/vocab.txt")


if __name__ == "__main__":
    tf.test.main()
