"""Values that the exported graph refuses itself, so that any server answers INVALID_ARGUMENT with plain words."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from loaders import object_call, session_call, strings
from small_classifier import small_export

from fastbert_serving.errors import plain_words

NAN, INFINITY = float("nan"), float("inf")


def tokens(**changes):
    """Valid inputs of `tokenized`: two rows of three tokens; `changes` replace some."""
    ids = np.array([[2, 5, 3], [2, 6, 3]], np.int32)
    speed = np.array([0.5, 0.5], np.float32)
    valid = {"token_ids": ids, "segment_ids": 0 * ids, "padding_mask": 0 * ids + 1, "speed": speed}
    return {**valid, **{name: np.array(value, valid[name].dtype) for name, value in changes.items()}}


class GraphChecksTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.path = small_export()[1] / "3"

    def assert_refused(self, words, signature, inputs, path=None):
        for call in (session_call, object_call):
            with self.assertRaises(tf.errors.InvalidArgumentError) as caught:
                call(path or self.path, signature, inputs)
            self.assertEqual(plain_words(caught.exception.message), words)

    @parameterized.parameters((NAN, "nan"), (INFINITY, "inf"), (-INFINITY, "-inf"), (1.5, "1.5"), (-0.25, "-0.25"))
    def test_speed_outside_its_range(self, speed, shown):
        words = f"speed must be in [0, 1], but row 1 holds {shown}"
        speeds = np.array([0.5, speed], np.float32)
        self.assert_refused(words, "with_speed", {"text": strings(["a", "b"]), "speed": speeds})
        self.assert_refused(words, "tokenized", tokens(speed=speeds))

    @parameterized.parameters(0.0, 1.0, 1e-30)
    def test_speed_at_its_limits_is_fine(self, speed):
        outputs = session_call(self.path, "tokenized", tokens(speed=[speed, speed]))
        self.assertAllClose(outputs["probabilities"].sum(-1), [1, 1])

    @parameterized.parameters(
        ({"token_ids": [[2, 5, 3], [2, 10_000, 3]]}, "token_ids must be in [0, 78], but row 1 holds 10000"),
        ({"token_ids": [[-1, 5, 3], [2, 6, 3]]}, "token_ids must be in [0, 78], but row 0 holds -1"),
        ({"segment_ids": [[0, 0, 2], [0, 0, 0]]}, "segment_ids must be in [0, 1], but row 0 holds 2"),
        ({"padding_mask": [[1, 1, 1], [1, 1, 7]]}, "padding_mask must be in [0, 1], but row 1 holds 7"),
        (
            {"padding_mask": [[1, 0, 0], [0, 0, 0]]},
            "every row needs at least one real token, but row 1 has none",
        ),
        (
            {"segment_ids": [[0, 0], [0, 0]]},
            "token inputs need the same shape, but padding_mask is [2 3], segment_ids is [2 2], token_ids is [2 3]",
        ),
        ({"speed": [0.5]}, "inputs need the same number of rows, but token_ids has 2, speed has 1"),
    )
    def test_tokens(self, changes, words):
        self.assert_refused(words, "tokenized", tokens(**changes))

    @parameterized.parameters(0, 25, 5000)
    def test_length_outside_the_positions(self, length):
        ids = np.ones((2, length), np.int32)
        inputs = tokens(token_ids=ids, segment_ids=0 * ids, padding_mask=ids)
        self.assert_refused(f"token_ids must be 1 to 24 tokens long, but are {length}", "tokenized", inputs)

    def test_longest_length_is_fine(self):
        ids = np.ones((2, 24), np.int32)
        outputs = session_call(
            self.path, "tokenized", tokens(token_ids=ids, segment_ids=0 * ids, padding_mask=ids, speed=[0, 0])
        )
        self.assertAllEqual(outputs["exit_layer"], [4, 4])

    def test_row_counts_of_texts(self):
        inputs = {"text": strings(["a", "b"]), "speed": np.zeros(1, np.float32)}
        self.assert_refused("inputs need the same number of rows, but text has 2, speed has 1", "with_speed", inputs)
        pair = small_export(is_pair=True)[1] / "3"
        words = "inputs need the same number of rows, but text has 2, text_pair has 1"
        self.assert_refused(words, "serving_default", {"text": strings("ab"), "text_pair": strings("a")}, pair)

    def test_examples(self):
        missing = tf.train.Example().SerializeToString()
        for example in (b"garbage", missing):
            with self.assertRaises(tf.errors.InvalidArgumentError):
                session_call(self.path, "classify", {"inputs": np.array([example], object)})


if __name__ == "__main__":
    tf.test.main()
