"""Both tokenizers of the benchmark say the same, as engines from texts to tokens."""

import json
from pathlib import Path

import tensorflow as tf
from harness.peers import empty_graph, graph_tokenizer, hugging_face_encode, hugging_face_tokenizer

from fastbert_tf.data import make_sample_task
from fastbert_tokenizers import WordPieceTokenizer

TEXTS = ["a wonderful film, truly", "Dull!"]


class TokenizerEnginesTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.source = Path(self.get_temp_dir())
        self.tokenizer = WordPieceTokenizer(make_sample_task(20, 20, 20).vocabulary, max_sequence_length=16)
        self.tokenizer.vocabulary.save(self.source / "vocab.txt")
        (self.source / "tokenizer.json").write_text(json.dumps(self.tokenizer.get_config()))

    def test_tokens_are_the_tokenizers_own(self):
        expected = {name: values.numpy() for name, values in self.tokenizer(TEXTS).items()}
        ours = graph_tokenizer.load_texts(self.source, 1)(TEXTS)
        theirs = hugging_face_tokenizer.load_texts(self.source, 1)(TEXTS)
        for name, values in expected.items():
            self.assertAllEqual(ours[name], values)
            self.assertAllEqual(theirs[name], values)

    def test_those_without_answers_take_the_same_texts(self):
        self.assertEqual(hugging_face_encode.load_texts(self.source, 1)(TEXTS), {})
        self.assertEqual(empty_graph.load_texts(self.source, 1)(TEXTS), {})


if __name__ == "__main__":
    tf.test.main()
