"""WordPieceTokenizer on a small vocabulary: rows worked out by hand, every kind of input, bad and hostile texts."""

import random
import time

import numpy as np
import tensorflow as tf

from fastbert_tokenizers import Vocabulary, VocabularyError, WordPieceTokenizer
from tokenizers import BertWordPieceTokenizer

TOKENS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "a",
    "##a",
    "good",
    "film",
    "un",
    "##believ",
    "##able",
    ".",
    ",",
    "[",
    "]",
    "sep",
    "漢",
    "字",
    "ж",
    "##ж",
    "é",
    "E",
    "##é",
    "Good",
]
VOCABULARY = Vocabulary(TOKENS)
ID = {token: index for index, token in enumerate(TOKENS)}


def ids(tokens: str) -> list[int]:
    return [ID[token] for token in tokens.split()]


class WordPieceTokenizerTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.tokenizer = WordPieceTokenizer(VOCABULARY, max_sequence_length=12)

    def test_batch_by_hand(self):
        batch = self.tokenizer(["Good film.", "unbelievable"])
        self.assertEqual(set(batch), {"token_ids", "segment_ids", "padding_mask"})
        self.assertAllEqual(batch["token_ids"], [ids("[CLS] good film . [SEP]"), ids("[CLS] un ##believ ##able [SEP]")])
        self.assertAllEqual(batch["segment_ids"], np.zeros((2, 5)))
        self.assertAllEqual(batch["padding_mask"], np.ones((2, 5)))
        self.assertTrue(all(value.dtype == tf.int32 for value in batch.values()))

    def test_pairs_by_hand(self):
        batch = self.tokenizer(["good", "a"], ["film .", ""])
        self.assertAllEqual(
            batch["token_ids"],
            [ids("[CLS] good [SEP] film . [SEP]"), ids("[CLS] a [SEP] [SEP] [PAD] [PAD]")],
        )
        self.assertAllEqual(batch["segment_ids"], [[0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 0, 0]])
        self.assertAllEqual(batch["padding_mask"], [[1] * 6, [1, 1, 1, 1, 0, 0]])

    def test_padding_id_comes_from_the_vocabulary(self):
        vocabulary = Vocabulary([*TOKENS[1:], "[PAD]"])
        batch = WordPieceTokenizer(vocabulary)(["a a", "a"])
        self.assertEqual(int(batch["token_ids"][1, -1]), len(TOKENS) - 1)

    def test_cased(self):
        cased = WordPieceTokenizer(VOCABULARY, lower_case=False)
        self.assertEqual(cased.tokenize("Good good É e\u0301 é E").to_list(), [ids("Good good [UNK] [UNK] é E")])
        self.assertEqual(self.tokenizer.tokenize("Good É").to_list(), [ids("good [UNK]")])

    def test_chinese_characters_are_words_of_their_own(self):
        self.assertEqual(self.tokenizer.tokenize("good漢字film、漢").to_list(), [ids("good 漢 字 film [UNK] 漢")])

    def test_empty_texts(self):
        for text in ("", " \t\n", "\u00ad\u200b", b"\xff"):
            self.assertAllEqual(self.tokenizer(text)["token_ids"], [ids("[CLS] [SEP]")])
        self.assertAllEqual(self.tokenizer("", "")["token_ids"], [ids("[CLS] [SEP] [SEP]")])

    def test_emoji_and_invalid_utf8_have_an_answer(self):
        rows = self.tokenizer.tokenize(["😀😀", b"good\xff\xfe film", "good\ud83d film"]).to_list()
        self.assertEqual(rows, [ids("[UNK]"), ids("good film"), ids("good film")])

    def test_literal_special_tokens_stay_text(self):
        self.assertEqual(self.tokenizer.tokenize("[SEP] a").to_list(), [ids("[ sep ] a")])

    def test_truncation_counts_special_tokens(self):
        batch = self.tokenizer(["a " * 50, "a " * 10, "a " * 9])
        self.assertAllEqual(tf.reduce_sum(batch["padding_mask"], axis=1), [12, 12, 11])
        self.assertAllEqual(batch["token_ids"][:, 0], [VOCABULARY.start_id] * 3)
        self.assertAllEqual(batch["token_ids"][0, -1], VOCABULARY.end_id)
        self.assertAllEqual(batch["token_ids"][1], [VOCABULARY.start_id, *[ID["a"]] * 10, VOCABULARY.end_id])

    def test_pair_truncation_keeps_the_shorter_text(self):
        row = self.tokenizer.encode("good film", "a " * 50)["token_ids"].to_list()[0]
        self.assertEqual(row, ids("[CLS] good film [SEP] " + "a " * 7 + "[SEP]"))
        smallest = WordPieceTokenizer(VOCABULARY, max_sequence_length=5)
        self.assertEqual(
            smallest.encode("film " * 9, "a " * 9)["token_ids"].to_list(), [ids("[CLS] film [SEP] a [SEP]")]
        )

    def test_words_of_more_than_100_characters_are_unknown(self):
        # Counted in characters, not bytes, after normalisation; white space, punctuation and Chinese end a word.
        reference = BertWordPieceTokenizer(dict(ID))
        texts = []
        for letter in "aжé😀":
            for length in (99, 100, 101, 350, 1001):
                word = letter * length
                texts += [
                    word,
                    f"film {word} film",
                    f"film,{word}.",
                    f"漢{word}字",
                    f"a{word[1:]}\t{word}",
                    f"{word}\u3000{word}",
                ]
        texts += [
            "漢" * 150,
            "." * 150,
            "\u4dc0" * 101,
            "，" * 101,
            "$" * 101,
            "e\u0301" * 101,
            ("a" * 60 + "\u0301") * 2,
        ]
        expected = [encoding.ids for encoding in reference.encode_batch(texts, add_special_tokens=False)]
        self.assertEqual(self.tokenizer.tokenize(texts).to_list(), expected)
        self.assertEqual(self.tokenizer.tokenize(["ж" * 100]).to_list(), [ids("ж" + " ##ж" * 99)])
        self.assertEqual(self.tokenizer.tokenize(["ж" * 101]).to_list(), [ids("[UNK]")])

    def test_a_megabyte_takes_well_under_seconds(self):
        # Processor time, so that a busy machine does not fail it. Alternating marks once took NFD over a minute.
        texts = {
            "words": "good film, " * 90_000,
            "one word": "a" * 1_000_000,
            "words of 101 characters": ("a" * 101 + " ") * 10_000,
            "punctuation": "." * 1_000_000,
            "Chinese": "漢字" * 170_000,
            "emoji": "😀" * 250_000,
            "accents": "a" + "\u0316\u0301" * 250_000,
            "Hangul tone marks and musical stems": "a" + "\u302e\U0001d165" * 143_000,
            "viramas": "क" + "\u1b44\u302e" * 166_000,
            "invalid": b"\xff" * 1_000_000,
            "zero bytes": b"\0" * 1_000_000,
        }
        for name, text in texts.items():
            with self.subTest(name):
                start = time.process_time()
                batch = self.tokenizer(text)
                seconds = time.process_time() - start
                print(f"1 MB, {name}: {seconds:.2f} s of processor time")
                self.assertLessEqual(batch["token_ids"].shape[1], 12)
                self.assertLess(seconds, 2.0)

    def test_inputs_of_every_kind_agree(self):
        texts = ["good film", "a"]
        expected = self.tokenizer(texts)["token_ids"]
        for text in (
            tuple(texts),
            [t.encode() for t in texts],
            np.array(texts),
            np.array(texts, object),
            tf.constant(texts),
        ):
            self.assertAllEqual(self.tokenizer(text)["token_ids"], expected)
        for text in (
            "good film",
            b"good film",
            np.str_("good film"),
            tf.constant("good film"),
            np.array(["good film"]),
        ):
            self.assertAllEqual(self.tokenizer(text)["token_ids"], expected[:1])

    def test_no_rows(self):
        for pair in (None, []):
            batch = self.tokenizer([], pair)
            self.assertEqual([tuple(value.shape) for value in batch.values()], [(0, 0)] * 3)

    def test_encode_is_the_batch_without_padding(self):
        texts, pairs = ["good film.", "", "a " * 20], ["a", "film", "good " * 20]
        for pair in (None, pairs):
            rows, batch = self.tokenizer.encode(texts, pair), self.tokenizer(texts, pair)
            for name in ("token_ids", "segment_ids"):
                self.assertAllEqual(rows[name].to_tensor(), batch[name])  # [PAD] has id 0 here
            self.assertAllEqual(rows["token_ids"].row_lengths(), tf.reduce_sum(batch["padding_mask"], axis=1))

    def test_config_round_trip(self):
        tokenizer = WordPieceTokenizer(VOCABULARY, lower_case=False, max_sequence_length=7)
        self.assertEqual(tokenizer.get_config(), {"lower_case": False, "max_sequence_length": 7})
        again = WordPieceTokenizer(VOCABULARY, **tokenizer.get_config())
        text = "Good film É " * 3
        self.assertAllEqual(again(text)["token_ids"], tokenizer(text)["token_ids"])

    def test_tokens_with_white_space_never_match(self):
        tokens = [*TOKENS, "a good", "\u00a0", "\u00a0a", "\u2028", " ", "##a a", "film\u3000"]
        reference = BertWordPieceTokenizer({token: index for index, token in enumerate(tokens)})
        texts = ["a good film", "a\u00a0a", "\u2028a\u2028", "good \u00a0", "aa a", "film\u3000film"]
        expected = [encoding.ids for encoding in reference.encode_batch(texts, add_special_tokens=False)]
        self.assertEqual(WordPieceTokenizer(Vocabulary(tokens)).tokenize(texts).to_list(), expected)

    def test_random_vocabularies_equal_hugging_face(self):
        generator = random.Random(3)

        def words(count: int, alphabet: str, longest: int) -> list[str]:
            return ["".join(generator.choices(alphabet, k=generator.randint(1, longest))) for _ in range(count)]

        for _ in range(15):
            pieces = {generator.choice(["", "##"]) + word for word in words(30, "abc漢,#", 4)} | {"a"}
            vocabulary = Vocabulary([*TOKENS[:5], *sorted(pieces)])
            reference = BertWordPieceTokenizer({token: index for index, token in enumerate(vocabulary.tokens)})
            texts = words(50, "abc漢,# ", 20)
            expected = [encoding.ids for encoding in reference.encode_batch(texts, add_special_tokens=False)]
            self.assertEqual(WordPieceTokenizer(vocabulary).tokenize(texts).to_list(), expected)

    def test_unusable_vocabularies(self):
        for extra in ([], ["don't"], ["\0"], ["a" * 257]):
            with self.subTest(extra), self.assertRaisesRegex(VocabularyError, "TensorFlow Text cannot use the vocab"):
                WordPieceTokenizer(Vocabulary([*TOKENS[:5], *extra]))

    def test_bad_constructor_arguments(self):
        for arguments, words in (
            ({"vocabulary": TOKENS}, "vocabulary must be a Vocabulary, received list"),
            ({"lower_case": "yes"}, "lower_case must be True or False, received 'yes'"),
            ({"max_sequence_length": 4}, "max_sequence_length must be at least 5 .* received 4"),
            ({"max_sequence_length": -1}, "must be at least 5"),
            ({"max_sequence_length": 12.5}, "must be an integer, received 12.5"),
            ({"max_sequence_length": True}, "must be an integer, received True"),
        ):
            with self.subTest(words), self.assertRaisesRegex(ValueError, words):
                WordPieceTokenizer(**{"vocabulary": VOCABULARY, **arguments})

    def test_bad_texts(self):
        for arguments, words in (
            ((None,), "text must be a string, a list .* received NoneType"),
            ((7,), "text must be a string, .* received int"),
            (({"a": 1},), "received dict"),
            ((["a", None],), "text must hold strings, but row 1 is NoneType None"),
            ((["a", float("nan")],), "row 1 is float nan"),
            (([["a"]],), "row 0 is list"),
            ((np.array([["a"]]),), "text must be a string, .* received ndarray"),
            ((np.array([1]),), "row 0 is int64"),
            ((tf.constant([["a"]]),), "text must be a string tensor of shape \\(\\) or \\(batch,\\), .* \\(1, 1\\)"),
            ((tf.constant([1]),), "received int32"),
            ((tf.ragged.constant([["a"]]),), "received RaggedTensor"),
            ((["a"], [3]), "text_pair must hold strings, but row 0 is int 3"),
            ((["a", "b"], ["c"]), "same number of rows, received 2 and 1: pass one text_pair"),
            (("a", ["b", "c"]), "same number of rows, received 1 and 2"),
        ):
            with self.subTest(words), self.assertRaisesRegex(ValueError, words):
                self.tokenizer(*arguments)


if __name__ == "__main__":
    tf.test.main()
