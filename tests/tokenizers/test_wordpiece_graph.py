"""The tokenizer in graphs: tf.function, tf.data, and an exported SavedModel in TensorFlow Serving's session loader."""

from pathlib import Path

import tensorflow as tf

from fastbert_tokenizers import Vocabulary, WordPieceTokenizer

TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "##a", "good", "film", ",", "漢", "é", "e"]
TEXTS = [b"Good film", b"", b"\xff\xc3\x89", "漢film, Good\u0301".encode(), b"a" * 101, b"a " * 40]
PAIRS = [b"a", b"film " * 30, b"", b"good", b"film", b"good " * 3]
STRINGS = tf.TensorSpec([None], tf.string)


def make_tokenizer(max_sequence_length: int = 16) -> WordPieceTokenizer:
    return WordPieceTokenizer(Vocabulary(TOKENS), max_sequence_length=max_sequence_length)


def export(directory: str) -> None:
    """Saves a module that holds the tokenizer in a closure only, as `fastbert_tf.export` does."""
    tokenizer = make_tokenizer()
    module = tf.Module()
    module.single = tf.function(lambda text: tokenizer(text), input_signature=[STRINGS])
    module.pair = tf.function(lambda text, text_pair: tokenizer(text, text_pair), input_signature=[STRINGS, STRINGS])
    signatures = {"single": module.single, "pair": module.pair}
    tf.saved_model.save(module, directory, signatures=signatures)


class WordPieceGraphTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.tokenizer = make_tokenizer()
        self.single = self.tokenizer(TEXTS)
        self.pair = self.tokenizer(TEXTS, PAIRS)

    def assert_same_batch(self, batch: dict, expected: dict) -> None:
        self.assertEqual(set(batch), set(expected))
        for name, value in expected.items():
            self.assertAllEqual(batch[name], value)

    def test_function(self):
        single = tf.function(self.tokenizer.__call__, input_signature=[STRINGS])
        self.assert_same_batch(single(tf.constant(TEXTS)), self.single)
        pair = tf.function(self.tokenizer.__call__, input_signature=[STRINGS, STRINGS])
        self.assert_same_batch(pair(tf.constant(TEXTS), tf.constant(PAIRS)), self.pair)

    def test_tokenizer_made_inside_a_graph_outlives_it(self):
        made = []

        @tf.function
        def make(text: tf.Tensor) -> tf.Tensor:
            made.append(make_tokenizer())
            return made[-1](text)["token_ids"]

        self.assertAllEqual(make(tf.constant(TEXTS)), self.single["token_ids"])
        self.assertAllEqual(made[0](TEXTS)["token_ids"], self.single["token_ids"])

    def test_data_batched(self):
        data = tf.data.Dataset.from_tensor_slices((TEXTS, PAIRS)).batch(4)
        batches = list(data.map(self.tokenizer, num_parallel_calls=2))
        self.assertEqual([batch["token_ids"].shape[0] for batch in batches], [4, 2])
        self.assert_same_batch(batches[0], self.tokenizer(TEXTS[:4], PAIRS[:4]))

    def test_data_row_by_row(self):
        data = tf.data.Dataset.from_tensor_slices(TEXTS).map(lambda text: self.tokenizer.encode(text)["token_ids"][0])
        self.assertEqual([row.numpy().tolist() for row in data], self.tokenizer.encode(TEXTS)["token_ids"].to_list())

    def test_static_shapes(self):
        spec = tf.data.Dataset.from_tensor_slices(TEXTS).batch(2, drop_remainder=True).map(self.tokenizer).element_spec
        for value in spec.values():
            self.assertEqual(value.shape.as_list(), [2, None])
            self.assertEqual(value.dtype, tf.int32)

    def test_mismatch_in_a_graph(self):
        pair = tf.function(self.tokenizer.__call__, input_signature=[STRINGS, STRINGS])
        with self.assertRaisesRegex(
            tf.errors.InvalidArgumentError, "text and text_pair must have the same number of rows"
        ):
            pair(tf.constant(["a", "b"]), tf.constant(["a"]))

    def test_unknown_rank_in_a_graph(self):
        with self.assertRaisesRegex(ValueError, "give the rank with set_shape"):
            tf.function(
                self.tokenizer.__call__, input_signature=[tf.TensorSpec(None, tf.string)]
            ).get_concrete_function()

    def test_exported_in_the_session_loader(self):
        directory = str(Path(self.get_temp_dir()) / "model")
        export(directory)
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            model = tf.compat.v1.saved_model.load(session, ["serve"], directory)

            def run(signature: str, **inputs: list[bytes]):
                definition = model.signature_def[signature]
                feeds = {definition.inputs[name].name: value for name, value in inputs.items()}
                return session.run({name: info.name for name, info in definition.outputs.items()}, feeds)

            self.assert_same_batch(run("single", text=TEXTS), self.single)
            self.assert_same_batch(run("pair", text=TEXTS, text_pair=PAIRS), self.pair)
            with self.assertRaisesRegex(tf.errors.InvalidArgumentError, "must have the same number of rows"):
                run("pair", text=TEXTS, text_pair=PAIRS[:2])

    def test_graph_holds_only_stateless_ops_of_tensorflow_and_tensorflow_text_2_12(self):
        graph = tf.function(self.tokenizer.__call__, input_signature=[STRINGS, STRINGS]).get_concrete_function().graph
        types = {operation.type for operation in graph.get_operations()}
        text_ops = {name for name in types if "Tokenize" in name or "Normalize" in name or "Trim" in name}
        self.assertEqual(text_ops, {"FastWordpieceTokenizeWithOffsets", "FastBertNormalize", "NormalizeUTF8"})
        self.assertEmpty({name for name in types if "Table" in name or "PyFunc" in name or "VarHandle" in name})


if __name__ == "__main__":
    tf.test.main()
