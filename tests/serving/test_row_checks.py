"""What the gateway refuses before it is sent, in the words of the exported graph."""

import dataclasses

import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from small_classifier import small_export

from fastbert_serving.errors import InvalidRequest
from fastbert_serving.manifest import TokenLimits
from fastbert_serving.models.servable import Servable
from fastbert_serving.row_checks import check_examples, check_rows, check_values

TEXTS = np.array([b"good", b"bad"], object)
LIMITS = TokenLimits(vocabulary_size=79, num_segments=2, max_sequence_length=24)


def tokens(shape=(2, 3), **changes):
    inputs = {
        "token_ids": np.ones(shape, np.int32),
        "segment_ids": np.zeros(shape, np.int32),
        "padding_mask": np.ones(shape, np.int32),
        "speed": np.zeros(2, np.float32),
    }
    return {**inputs, **changes}


def example(**texts):
    feature = {name: tf.train.Feature(bytes_list=tf.train.BytesList(value=values)) for name, values in texts.items()}
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


class RowChecksTest(tf.test.TestCase, parameterized.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.servable = Servable(small_export()[1] / "3")
        cls.addClassCleanup(cls.servable.close)

    @parameterized.parameters(
        ("with_speed", {"text": TEXTS, "speed": np.float32([0, np.nan])}),
        ("with_speed", {"text": TEXTS, "speed": np.float32([-1, 0])}),
        ("with_speed", {"text": TEXTS, "speed": np.float32([0, 1.5])}),
        ("with_speed", {"text": TEXTS, "speed": np.float32([0])}),
        ("tokenized", tokens(padding_mask=np.int32([[1, 1, 1], [0, 0, 0]]))),
        ("tokenized", tokens(padding_mask=np.int32([[1, 1, 1], [1, 2, 0]]))),
        ("tokenized", tokens(token_ids=np.int32([[1, 1, 1], [1, -2, 0]]))),
        ("tokenized", tokens(token_ids=np.int32([[1, 1, 1], [1, 9999, 0]]))),
        ("tokenized", tokens(token_ids=np.int32([[1, 1, 1], [1, 12345678, 0]]))),
        ("tokenized", tokens(segment_ids=np.int32([[1, 1, 1], [1, 2, 0]]))),
        ("tokenized", tokens(segment_ids=np.int32([[1, 1, 1], [1, -1, 0]]))),
        ("tokenized", tokens(segment_ids=np.zeros((2, 1000), np.int32))),
        ("tokenized", tokens(padding_mask=np.ones((3, 3), np.int32))),
        ("tokenized", tokens((2, 25))),
        ("tokenized", tokens((2, 0))),
        ("tokenized", tokens((3, 3))),
        ("tokenized", tokens((3, 25), speed=np.float32([np.nan]))),  # the first of several faults
        ("tokenized", tokens(speed=np.float32([0, 2]))),
    )
    def test_the_graph_says_the_same(self, signature, inputs):
        with self.assertRaises(InvalidRequest) as graph:
            self.servable.predict(signature, inputs)
        with self.assertRaises(InvalidRequest) as check:
            check_values(inputs, self.servable.signature(signature), self.servable.manifest)
        self.assertEqual(check.exception.message, graph.exception.message)

    def test_the_graph_takes_as_much(self):
        longest = tokens((2, 24), token_ids=np.full((2, 24), 78, np.int32), segment_ids=np.ones((2, 24), np.int32))
        check_values(longest, self.servable.signature("tokenized"), self.servable.manifest)
        self.assertLen(self.servable.predict("tokenized", longest)["label"], 2)

    def test_older_manifests_know_the_vocabulary_alone(self):
        manifest = dataclasses.replace(self.servable.manifest, token_limits=None)
        signature = self.servable.signature("tokenized")
        check_values(tokens((2, 25), segment_ids=np.full((2, 25), 9, np.int32)), signature, manifest)
        for inputs, words in (
            (tokens(token_ids=np.full((2, 3), 79, np.int32)), r"token_ids must be in \[0, 78\], but row 0 holds 79"),
            (tokens(segment_ids=np.full((2, 3), -1, np.int32)), "segment_ids must be in .*, but row 0 holds -1"),
            (tokens((2, 0)), "tokens long, but are 0"),
        ):
            with self.assertRaisesRegex(InvalidRequest, words):
                check_values(inputs, signature, manifest)

    def test_rules_are_for_the_signatures_of_an_export_alone(self):
        bad = {"text": TEXTS, "speed": np.float32([0, 9])}
        ours, tokenized, classify = (self.servable.signature(n) for n in ("with_speed", "tokenized", "classify"))
        for signature, inputs in ((ours, bad), (ours, {"text": TEXTS, "speed": np.float32([0])})):
            check_values(inputs, signature, None)
            with self.assertRaises(InvalidRequest):
                check_values(inputs, signature, self.servable.manifest)
        strangers = (
            (ours, {"text": TEXTS, "speed": np.float32(9)}),
            (ours, {"text": np.array(b"scalar", object)}),
            (ours, {"words": TEXTS, "rate": np.float32([0])}),
            (tokenized, {"token_ids": np.int32([[-1]])}),
            (classify, {"inputs": np.array(b"scalar", object)}),
            (classify, {"examples": np.array([b"\xff"], object)}),
        )
        for signature, inputs in strangers:
            check_values(inputs, signature, self.servable.manifest)

    def test_lets_pass(self):
        check_rows({"text": TEXTS, "speed": np.float32([0, 1])}, LIMITS)
        check_rows({"text": TEXTS[:0], "speed": np.float32([])}, LIMITS)
        check_examples(np.array([example(text=[b"a"], other=[b"x"])], object), ["text"])
        check_examples(np.array([example(text=[b"a"], text_pair=[b"b"])], object), ["text", "text_pair"])

    @parameterized.parameters(
        (b"\xff\xfe garbage", "row 1 of inputs is no tf.Example"),
        (example(), "row 1 of inputs needs one string as feature 'text', but has 0"),
        (example(text=[b"a", b"b"]), "but has 2"),
    )
    def test_refuses_examples(self, content, words):
        with self.assertRaisesRegex(InvalidRequest, words):
            check_examples(np.array([example(text=[b"a"]), content], object), ["text"])


if __name__ == "__main__":
    tf.test.main()
