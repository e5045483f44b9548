"""Longest-first truncation against Hugging Face's, for every pair of small lengths and every budget."""

import tensorflow as tf

from fastbert_tokenizers.truncation import truncate_longest_first
from tokenizers import Tokenizer, models, pre_tokenizers


class TruncationTest(tf.test.TestCase):
    def test_equals_hugging_face_for_all_small_lengths(self):
        words = [f"w{i}" for i in range(30)]
        reference = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="w0"))
        reference.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
        lengths = [(a, b) for a in range(10) for b in range(10)]
        first = tf.ragged.constant([list(range(a)) for a, _ in lengths], dtype=tf.int32, ragged_rank=1)
        second = tf.ragged.constant([list(range(10, 10 + b)) for _, b in lengths], dtype=tf.int32, ragged_rank=1)
        texts = [(" ".join(words[:a]), " ".join(words[10 : 10 + b])) for a, b in lengths]
        for budget in range(1, 20):
            reference.enable_truncation(budget, strategy="longest_first")
            encodings = reference.encode_batch(texts)
            kept = [tf.RaggedTensor.to_list(rows) for rows in truncate_longest_first(first, second, budget)]
            for encoding, head, tail in zip(encodings, *kept, strict=True):
                self.assertEqual(encoding.ids, head + tail)
                self.assertEqual(encoding.type_ids, [0] * len(head) + [1] * len(tail))

    def test_documented_shares(self):
        def kept(a: int, b: int, budget: int) -> tuple[int, int]:
            rows = truncate_longest_first(
                tf.RaggedTensor.from_tensor([[1] * a]), tf.RaggedTensor.from_tensor([[2] * b]), budget
            )
            return tuple(int(part.row_lengths()[0]) for part in rows)

        self.assertEqual(kept(9, 9, 7), (3, 4))  # equally long: the first counts as the shorter
        self.assertEqual(kept(9, 8, 7), (4, 3))
        self.assertEqual(kept(2, 9, 7), (2, 5))
        self.assertEqual(kept(3, 4, 7), (3, 4))
        self.assertEqual(kept(9, 9, 0), (0, 0))

    def test_no_rows(self):
        nothing = tf.RaggedTensor.from_row_lengths(tf.zeros([0], tf.int32), tf.zeros([0], tf.int64))
        first, second = truncate_longest_first(nothing, nothing, 4)
        self.assertEqual(first.to_list(), [])
        self.assertEqual(second.to_list(), [])


if __name__ == "__main__":
    tf.test.main()
