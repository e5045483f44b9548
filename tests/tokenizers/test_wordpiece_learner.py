"""The learner: exactly the asked size, every character spelled, the most frequent pieces, and its errors."""

import random
from collections import Counter

import tensorflow as tf
from absl.testing import parameterized
from tensorflow_text.tools.wordpiece_vocab import wordpiece_tokenizer_learner_lib as learner_lib

from fastbert_tokenizers import VocabularyError, WordCounter, learn_vocabulary, segmentation_statistics
from fastbert_tokenizers.wordpiece_learner import choose_alphabet
from tokenizers import BertWordPieceTokenizer

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
STEMS = ["walk", "talk", "jump", "paint", "play", "look", "call", "open", "clean", "visit", "help", "want"]
ENDINGS = ["", "", "", "s", "ed", "ing", "er", "ers"]


def english_counts():
    """Regular verbs, more of the first ones, with rare noise."""
    generator = random.Random(0)
    words = [generator.choice(STEMS[: generator.randrange(1, 13)]) + generator.choice(ENDINGS) for _ in range(5000)]
    noise = ["".join(generator.choices("abcdefghijklmnopqrstuvwxyz", k=6)) for _ in range(200)]
    return Counter(words + noise + ["."] * 500)


class LearnerTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(60, 73, 80, 100, 120, 151)
    def test_the_size_is_exact(self, size):
        steps = []
        vocabulary = learn_vocabulary(english_counts(), size, 1.0, lambda *step: steps.append(step))
        self.assertLen(vocabulary, size)
        self.assertLessEqual(len(steps), 4 + 12)  # extrapolated, then halved; no word occurs 4,096 times
        self.assertEqual(list(vocabulary.tokens[:5]), SPECIALS)
        letters = "abcdefghijklmnopqrstuvwxyz"
        self.assertContainsSubset({*letters, *(f"##{letter}" for letter in letters), "."}, vocabulary.tokens)
        self.assertNotIn("##.", vocabulary)  # no text can give it
        self.assertEqual(segmentation_statistics(vocabulary, english_counts()).unknown, 0)

    def test_pieces_are_those_of_the_learner_at_one_threshold_less_the_rarest(self):
        steps = []
        vocabulary = learn_vocabulary(english_counts(), 100, 1.0, lambda *step: steps.append(step))
        threshold, tokens = min((step for step in steps if step[1] >= 100), key=lambda step: step[1])
        letters = {token for word in english_counts() for token in word}
        counts = [*sorted(english_counts().items(), key=lambda item: (-item[1], item[0])), *((c, 1) for c in letters)]
        learned = learner_lib.learn(counts, 100, SPECIALS, upper_thresh=threshold, lower_thresh=threshold)
        longer = [token for token in learned if len(token.removeprefix("##")) > 1 and token not in SPECIALS]
        ours = [token for token in vocabulary.tokens if len(token.removeprefix("##")) > 1 and token not in SPECIALS]
        self.assertEqual(ours, longer[: len(longer) - (tokens - 100)])
        self.assertContainsSubset({"walk", "##ing", "talk"}, ours)

    def test_the_result_does_not_depend_on_the_order_of_the_counts(self):
        words = list(english_counts().items())
        random.Random(1).shuffle(words)
        self.assertEqual(learn_vocabulary(dict(words), 90), learn_vocabulary(english_counts(), 90))

    def test_hugging_face_segments_the_words_alike(self):
        vocabulary = learn_vocabulary(english_counts(), 90)
        reference = BertWordPieceTokenizer({token: i for i, token in enumerate(vocabulary.tokens)})
        pieces = unknown = 0
        for word, count in english_counts().items():
            ids = reference.encode(word, add_special_tokens=False).ids
            pieces += count * len(ids)
            unknown += count * (ids == [vocabulary.unknown_id])
        found = segmentation_statistics(vocabulary, english_counts())
        self.assertEqual((found.pieces, found.unknown), (pieces, unknown))
        self.assertEqual(found.words, sum(english_counts().values()))
        self.assertAlmostEqual(found.pieces_per_word, pieces / found.words)

    def test_chinese_characters_are_words(self):
        counts = WordCounter()(["北京大学在北京，A大学也在北京。 B2大学" * 20, "学" * 50, "龘"])
        vocabulary = learn_vocabulary(counts, 20, character_coverage=0.997)
        self.assertLen(vocabulary, 20)
        self.assertContainsSubset({*"北京大学在也，。ab2", "##a", "##b", "##2"}, vocabulary.tokens)
        self.assertNotIn("##北", vocabulary)
        self.assertNotIn("龘", vocabulary)

    def test_alphabet(self):
        counts = {"aab": 10, "c": 3, "ad": 1}  # a 21, b 10, c 3, d 1 of 35
        self.assertEqual(choose_alphabet(counts, 1.0), ["a", "b", "c", "d"])
        self.assertEqual(choose_alphabet(counts, 34 / 35), ["a", "b", "c"])
        self.assertEqual(choose_alphabet(counts, 0.5), ["a"])
        with self.assertRaisesRegex(ValueError, r"in \(0, 1\], but is 1.5"):
            choose_alphabet(counts, 1.5)

    def test_a_character_of_words_that_are_left_out_is_spelled(self):
        # "b" occurs beside "z" only, which is too rare; "b" itself is not.
        counts = {"a": 1000, "ab": 5, **{f"b{letter}": 1 for letter in "vwxyz"}}
        vocabulary = learn_vocabulary(counts, 9, character_coverage=0.995)
        self.assertEqual(set(vocabulary.tokens) - set(SPECIALS), {"a", "##a", "b", "##b"})

    def test_errors(self):
        with self.assertRaisesRegex(VocabularyError, "cannot spell the corpus: .* take 58 entries"):
            learn_vocabulary(english_counts(), 50, character_coverage=1.0)
        with self.assertRaisesRegex(VocabularyError, "too small for a vocabulary of 10,000"):
            learn_vocabulary(english_counts(), 10_000)
        with self.assertRaisesRegex(VocabularyError, "spells no word of the corpus"):
            learn_vocabulary({"ab": 1}, 100, character_coverage=0.5)
        with self.assertRaisesRegex(VocabularyError, "no words"):
            learn_vocabulary({}, 100)


if __name__ == "__main__":
    tf.test.main()
