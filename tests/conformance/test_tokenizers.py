"""Tokenizers: the same ids eagerly, in graphs, in tf.data and exported; and the configuration round trip."""

from __future__ import annotations

import inspect
import os

import numpy as np
import registry
import tensorflow as tf
import tokenizer_cases
from absl.testing import parameterized
from exported import in_all_modes

TEXTS = ["Good films!", "", "not a 书 but a very long review of some other thing", "Ünïcode \u200b😀 xyz"]
PAIRS = ["good", "a longer second text than the first one is", "", "Film"]


def _inputs(is_pair):
    texts = {"text": np.array(TEXTS, object)}
    return {**texts, "text_pair": np.array(PAIRS, object)} if is_pair else texts


class TokenizersTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.named_parameters(registry.named(tokenizer_cases.TOKENIZERS))
    def test_configuration_round_trip(self, case):
        tokenizer = case.make()
        config = tokenizer.get_config()
        arguments = set(inspect.signature(case.cls.__init__).parameters) - {"self", "vocabulary"}
        self.assertEqual(set(config), arguments)
        for name, value in config.items():
            self.assertEqual(getattr(tokenizer, name), value)
        clone = case.cls(tokenizer.vocabulary, **config)
        self.assertEqual(clone.get_config(), config)
        for name, value in tokenizer(TEXTS, PAIRS).items():
            self.assertAllEqual(clone(TEXTS, PAIRS)[name], value)

    @parameterized.named_parameters(registry.named(tokenizer_cases.TOKENIZERS))
    def test_same_ids_in_all_modes(self, case):
        tokenizer = case.make()
        for is_pair in (False, True):
            (_, expected), *others = in_all_modes(lambda texts: tokenizer(*texts.values()), _inputs(is_pair), [])
            for mode, outputs in others:
                for name, value in outputs.items():
                    self.assertAllEqual(value, expected[name], f"{mode}: {name}")
            dataset = tf.data.Dataset.from_tensors(tuple(_inputs(is_pair).values())).map(tokenizer)
            for name, value in next(iter(dataset)).items():
                self.assertAllEqual(value, expected[name], f"tf.data: {name}")

    @parameterized.named_parameters(registry.named(tokenizer_cases.TOKENIZERS))
    def test_batches_are_well_formed(self, case):
        tokenizer = case.make()
        vocabulary = tokenizer.vocabulary
        for is_pair in (False, True):
            batch = {name: value.numpy() for name, value in tokenizer(*_inputs(is_pair).values()).items()}
            ids, segments, mask = (batch[name] for name in ("token_ids", "segment_ids", "padding_mask"))
            self.assertEqual({value.dtype for value in batch.values()}, {np.dtype(np.int32)})
            self.assertEqual({value.shape for value in batch.values()}, {ids.shape})
            self.assertLessEqual(ids.shape[1], tokenizer.max_sequence_length)
            self.assertEqual(ids.shape[1], mask.sum(axis=1).max())
            self.assertAllInRange(ids, 0, len(vocabulary) - 1)
            self.assertAllEqual(ids[:, 0], [vocabulary.start_id] * len(TEXTS))
            self.assertAllEqual((ids == vocabulary.end_id).sum(axis=1), [1 + is_pair] * len(TEXTS))
            self.assertAllEqual(ids == vocabulary.padding_id, mask == 0)
            self.assertAllEqual(np.diff(mask, axis=1) > 0, np.zeros_like(mask[:, 1:], bool))
            self.assertAllEqual(segments.max(axis=1), [int(is_pair)] * len(TEXTS))

    @parameterized.named_parameters(registry.named(tokenizer_cases.TOKENIZERS))
    def test_a_row_does_not_depend_on_its_neighbours(self, case):
        tokenizer = case.make()
        together = tokenizer(TEXTS, PAIRS)["token_ids"].numpy()
        for row, (text, pair) in enumerate(zip(TEXTS, PAIRS, strict=True)):
            alone = tokenizer([text], [pair])["token_ids"].numpy()[0]
            self.assertAllEqual(alone, together[row, : len(alone)])

    @parameterized.named_parameters(registry.named(tokenizer_cases.VOCABULARIES))
    def test_vocabulary_round_trip(self, case):
        vocabulary = case.make()
        path = os.path.join(self.get_temp_dir(), "vocab.txt")
        vocabulary.save(path)
        for clone in (case.cls(vocabulary.tokens), case.cls.load(path)):
            self.assertEqual(clone.tokens, vocabulary.tokens)
            self.assertEqual(len(clone), len(vocabulary))


if __name__ == "__main__":
    tf.test.main()
