"""Words: the same as Hugging Face's pre-tokenizer finds, and as the WordPiece op segments."""

import random
from collections import Counter

import tensorflow as tf
from absl.testing import parameterized
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from fastbert_tokenizers import Vocabulary, WordCounter, WordPieceTokenizer, split_words
from fastbert_tokenizers.words import stand_alone

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
TEXTS = [
    "It's a charming, and often-affecting journey.",
    "",
    "  \t ",
    "這是2015年，漢字！ A書B",
    "naïve café — «ΟΔΟΣ» 3.14$ #hash_tag [MASK]",
    "a\u2028b\u3000c\u00a0d\u200be",
    "x" * 100 + " y",
]


def mixtures(count):
    pool = [*"abcXYZ019 \t.,!?-_'\"$+<=>^`|~[]#@", *"éÉñßİΑΣςжЙابहिन्दी한국漢字〇、。カー😀\u00ad\u00a0\u3000"]
    generator = random.Random(3)
    return ["".join(generator.choices(pool, k=generator.randrange(1, 30))) for _ in range(count)]


def reference_words(text, lower_case):
    normalized = BertNormalizer(True, True, lower_case, lower_case).normalize_str(text)
    return [word for word, _ in BertPreTokenizer().pre_tokenize_str(normalized)]


class WordsTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(True, False)
    def test_words_equal_hugging_face(self, lower_case):
        texts = [*TEXTS, *mixtures(3000)]
        for text, row in zip(texts, split_words(texts, lower_case).to_list(), strict=True):
            self.assertEqual([word.decode() for word in row], reference_words(text, lower_case), repr(text))

    def test_the_tokenizer_segments_the_same_words(self):
        vocabulary = Vocabulary([*SPECIALS, "a", "##b", "b"])
        texts = [*TEXTS, *mixtures(1000)]
        starts = [[not vocabulary.tokens[i].startswith("##") for i in row]
                  for row in WordPieceTokenizer(vocabulary).tokenize(texts).to_list()]  # fmt: skip
        self.assertEqual([sum(row) for row in starts], [len(row) for row in split_words(texts).to_list()])

    def test_counts(self):
        texts = [*TEXTS, *mixtures(500)]
        expected = Counter(word for text in texts for word in reference_words(text, True))
        counter = WordCounter()
        self.assertEqual(counter(texts), expected)
        self.assertEqual(counter(texts[:100]) + counter(texts[100:]), expected)
        self.assertEqual(counter([]), Counter())

    def test_words_that_bert_does_not_read_are_not_counted(self):
        self.assertEqual(WordCounter()(["x" * 101 + " y " + "字" * 200]), Counter({"y": 1, "字": 200}))

    def test_what_stands_alone(self):
        self.assertEqual(stand_alone("aé漢。$한カ1-"), set("漢。$-"))
        self.assertEqual(stand_alone([]), set())


if __name__ == "__main__":
    tf.test.main()
