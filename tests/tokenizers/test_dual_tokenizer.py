"""Dual segmentation: which word went where, each word by its own vocabulary, the share, and determinism."""

import os
import re
import unittest
from pathlib import Path

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from fastbert_tokenizers import DualTokenizer, JointVocabulary, Vocabulary, VocabularyError, learn_vocabulary
from fastbert_tokenizers.words import WordCounter, split_words
from tokenizers import BertWordPieceTokenizer

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
TEACHER = Vocabulary([*SPECIALS, "[unused0]", "learning", "machine", "like", "i", "##s", "北", "京", "!"])
STUDENT = Vocabulary(
    ["[MASK]", "[SEP]", "[CLS]", "[UNK]", "[PAD]", "learn", "##ing", "mach", "##ine", "like", "i", "北", "!"]
)
TEXTS = ["I like machine learning", "", "北京 machines!", "like zebra like"]


class JointVocabularyTest(tf.test.TestCase):
    def test_layout(self):
        joint = JointVocabulary(TEACHER, STUDENT)
        self.assertEqual(joint.offsets, (0, 14, 27))
        self.assertLen(joint, 27)
        self.assertAllEqual(np.flatnonzero(~joint.starts_word), [10, 14 + 6, 14 + 8])
        self.assertAllEqual(np.flatnonzero(~joint.is_ordinary), [0, 1, 2, 3, 4, 5, 14, 15, 16, 17, 18])

    def test_words(self):
        joint = JointVocabulary(TEACHER, STUDENT)
        self.assertEqual(
            joint.words([9, 14 + 9, 14 + 7, 14 + 8, 6]), [("i", 0), ("like", 1), ("machine", 1), ("learning", 0)]
        )
        self.assertEqual(joint.words([1, 14 + 3]), [("[UNK]", 0), ("[UNK]", 1)])
        for ids, words in (([10], "inside of a word"), ([7, 14 + 6], "inside of a word"), ([27], r"in \[0, 27\)")):
            with self.assertRaisesRegex(ValueError, words):
                joint.words(ids)

    def test_errors(self):
        with self.assertRaisesRegex(ValueError, "one Vocabulary or several"):
            JointVocabulary()
        with self.assertRaisesRegex(VocabularyError, "vocabulary 1 holds special tokens only"):
            JointVocabulary(TEACHER, Vocabulary(SPECIALS))


class DocumentTest(tf.test.TestCase):
    def test_example(self):
        text = (Path(__file__).resolve().parents[2] / "docs/vocabulary.md").read_text(encoding="utf-8")
        names: dict = {}
        exec(re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)[0], names)
        self.assertEqual(names["teacher"].tokens[-1], "learning")
        spelled = [names["tokenizer"].vocabulary.words(row) for row in names["rows"].to_list()]
        self.assertEqual([[word for word, _ in row] for row in spelled], [["i", "like", "machine", "learning"]] * 3)


class DualTokenizerTest(tf.test.TestCase, parameterized.TestCase):
    def test_the_paper_s_sentence(self):
        """Figure 1: "like" and "learning" by the student's vocabulary, the others by the teacher's."""
        joint = JointVocabulary(TEACHER, STUDENT)
        expected = [("i", 0), ("like", 1), ("machine", 0), ("learning", 1)]
        tokenizer = DualTokenizer(TEACHER, STUDENT)
        rows = tf.range(200)
        many = tokenizer([TEXTS[0]] * 200, 0, rows).to_list()
        seen = {tuple(joint.words(row)): number for number, row in enumerate(many)}
        self.assertLen(seen, 16)  # every choice occurs
        row = tokenizer(TEXTS[0], 0, rows=[seen[tuple(expected)]]).to_list()[0]
        self.assertEqual(row, [9, 14 + 9, 7, 14 + 5, 14 + 6])

    @parameterized.parameters(0.0, 0.3, 0.5, 1.0)
    def test_each_word_by_its_vocabulary(self, probability):
        tokenizer = DualTokenizer(TEACHER, STUDENT, probability)
        references = [BertWordPieceTokenizer({t: i for i, t in enumerate(v.tokens)}) for v in (TEACHER, STUDENT)]
        rows = tokenizer(TEXTS, seed=1).to_list()
        for text, row in zip(split_words(TEXTS).to_list(), rows, strict=True):
            choices = [vocabulary for _, vocabulary in tokenizer.vocabulary.words(row)]
            expected = []
            for word, choice in zip(text, choices, strict=True):
                ids = references[choice].encode(word.decode(), add_special_tokens=False).ids
                expected += [id + tokenizer.vocabulary.offsets[choice] for id in ids]
            self.assertEqual(row, expected)
            if probability in (0.0, 1.0):
                self.assertAllEqual(choices, [int(probability)] * len(choices))

    def test_the_share_is_binomial(self):
        texts = ["i like machine learning " * 25] * 100  # 10,000 words
        for probability in (0.1, 0.5, 0.9):
            tokenizer = DualTokenizer(TEACHER, STUDENT, probability)
            choices = np.array(
                [[c for _, c in tokenizer.vocabulary.words(row)] for row in tokenizer(texts, 0).to_list()]
            )
            deviation = (probability * (1 - probability) / choices.size) ** 0.5
            self.assertAllClose(choices.mean(), probability, atol=4 * deviation)
            by_row = choices.sum(axis=1)  # spread as a binomial distribution: neighbours do not follow each other
            self.assertAllClose(by_row.var() / (100 * probability * (1 - probability)), 1, atol=0.6)

    def test_a_choice_depends_on_seed_row_and_word_alone(self):
        tokenizer = DualTokenizer(TEACHER, STUDENT)
        texts = ["i like machine learning machines"] * 20
        together = tokenizer(texts, 5).to_list()
        self.assertEqual(tokenizer(texts, 5).to_list(), together)
        self.assertNotEqual(tokenizer(texts, 6).to_list(), together)
        self.assertGreater(len({tuple(row) for row in together}), 10)
        self.assertEqual(tokenizer(texts[:3], 5, rows=[17, 4, 0]).to_list(), [together[17], together[4], together[0]])
        mapped = tf.data.Dataset.from_tensors(texts).map(lambda text: tokenizer(text, 5))
        self.assertEqual(next(iter(mapped)).to_list(), together)

    def test_chinese(self):
        tokenizer = DualTokenizer(TEACHER, STUDENT, 0.5)
        seen = {tuple(tokenizer.vocabulary.words(row)) for row in tokenizer(["北京"] * 50, 0).to_list()}
        self.assertEqual(seen, {(("北", i), ("京" if j == 0 else "[UNK]", j)) for i in (0, 1) for j in (0, 1)})

    def test_cased(self):
        cased = Vocabulary([*SPECIALS, "Like", "like"])
        tokenizer = DualTokenizer(cased, cased, 0.0, lower_case=False)
        self.assertEqual(tokenizer("Like like LIKE", 0).to_list(), [[5, 6, 1]])

    def test_errors(self):
        for probability in (-0.1, 1.1, float("nan"), "half", True):
            with self.assertRaisesRegex(ValueError, r"probability \(p_DT\) must be a number in \[0, 1\]"):
                DualTokenizer(TEACHER, STUDENT, probability)
        with self.assertRaisesRegex(VocabularyError, "lacks \\[MASK\\]"):
            DualTokenizer(TEACHER, Vocabulary(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a"]))


@unittest.skipUnless(os.environ.get("FASTBERT_DATA"), "set FASTBERT_DATA to the folder of data sets and vocabularies")
class RealVocabularyTest(tf.test.TestCase):
    def test_mixed_rows_of_real_text_equal_hugging_face(self):
        data = Path(os.environ["FASTBERT_DATA"])
        for name, file, column in (("english", "glue/SST-2/dev.tsv", 0), ("chinese", "book_review/dev.tsv", 1)):
            with self.subTest(name):
                lines = (data / file).read_text(encoding="utf-8").split("\n")[1:500]
                texts = [line.split("\t")[column] for line in lines]
                counts = WordCounter()(texts)
                student = learn_vocabulary(counts, 500 if name == "english" else 1800, 0.99)
                path = data / "vocab" / f"bert_base_{'uncased' if name == 'english' else name}.txt"
                tokenizer = DualTokenizer(Vocabulary.load(path), student)
                joint = tokenizer.vocabulary
                references = [
                    BertWordPieceTokenizer({t: i for i, t in enumerate(v.tokens)}) for v in joint.vocabularies
                ]
                words = [[word.decode() for word in row] for row in split_words(texts).to_list()]
                for row, spelled in zip(words, tokenizer(texts, seed=3).to_list(), strict=True):
                    choices = [choice for _, choice in joint.words(spelled)]
                    expected = []
                    for word, choice in zip(row, choices, strict=True):
                        ids = references[choice].encode(word, add_special_tokens=False).ids
                        expected += [id + joint.offsets[choice] for id in ids]
                    self.assertEqual(spelled, expected)


if __name__ == "__main__":
    tf.test.main()
