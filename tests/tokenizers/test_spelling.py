"""Pieces of one vocabulary spelled by another."""

import tensorflow as tf

from fastbert_tokenizers import Vocabulary, WordPieceTokenizer, spell

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LETTERS = "abcdefgi"
VOCABULARY = Vocabulary(
    [*SPECIALS, "cab", "ca", "##bag", "##ba", "##ge", "#", "##", *LETTERS, *(f"##{c}" for c in LETTERS)]
)


def spelled(piece):
    return [VOCABULARY.tokens[index] for index in spell(piece, VOCABULARY)]


class SpellTest(tf.test.TestCase):
    def test_words_as_the_tokenizer_cuts_them(self):
        tokenizer = WordPieceTokenizer(VOCABULARY)
        for word in ("cabbage", "cab", "bagged", "gig", "cabz", "z"):
            self.assertAllEqual(spell(word, VOCABULARY), tokenizer.tokenize(word)[0], word)

    def test_insides_of_words(self):
        self.assertEqual(spelled("##bage"), ["##bag", "##e"])
        self.assertEqual(spelled("##ge"), ["##ge"])
        self.assertEqual(spelled("##cab"), ["##c", "##a", "##b"])
        self.assertEqual(spelled("##z"), ["[UNK]"])

    def test_special_tokens_and_the_joiner_itself(self):
        self.assertEqual(spelled("[MASK]"), ["[MASK]"])
        self.assertEqual(spelled("[unused1]"), ["[UNK]"])
        self.assertEqual(spelled("##"), ["##"])


if __name__ == "__main__":
    tf.test.main()
