"""The exported model answers as the eager exit loop does, through either loader."""

import tempfile

import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from loaders import object_call, session_call, strings
from small_classifier import LABELS, TEXTS, eager_loop, small_export, small_model, small_tokenizer

from fastbert_serving.manifest import Exits, Manifest
from fastbert_tf.export import export_saved_model
from fastbert_tf.inference import ExitSchedule, KerasStack, NormalizedEntropy, simulate

PAIRS = tuple(reversed(TEXTS))
SPEEDS = np.linspace(0, 1, len(TEXTS)).astype(np.float32)


def examples(**texts):
    rows = zip(*texts.values(), strict=True)
    features = [
        {
            name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
            for name, value in zip(texts, row, strict=True)
        }
        for row in rows
    ]
    protos = [tf.train.Example(features=tf.train.Features(feature=feature)) for feature in features]
    return np.array([proto.SerializeToString() for proto in protos], object)


def expected(model, speed, is_pair):
    """Answers of the eager exit loop, with labels."""
    tokens = small_tokenizer()(list(TEXTS), list(PAIRS) if is_pair else None)
    outputs = {name: value.numpy() for name, value in eager_loop(model)(tokens, tf.constant(speed)).items()}
    label_id = outputs["probabilities"].argmax(-1)
    return {**outputs, "label_id": label_id, "label": strings(np.array(LABELS)[label_id])}


class EqualityTest(tf.test.TestCase, parameterized.TestCase):
    def assert_same(self, got, want):
        self.assertCountEqual(got, want)
        for name, value in want.items():
            if value.dtype == object:
                self.assertAllEqual(got[name], value)
            else:
                self.assertAllClose(got[name], value, atol=1e-6, rtol=0, msg=name)

    @parameterized.product(is_pair=[False, True], call=[session_call, object_call])
    def test_every_signature_equals_the_eager_exit_loop(self, is_pair, call):
        model, directory = small_export(is_pair)
        texts = {"text": strings(TEXTS), **({"text_pair": strings(PAIRS)} if is_pair else {})}
        by_default = expected(model, np.full(len(TEXTS), 0.5, np.float32), is_pair)
        by_speed = expected(model, SPEEDS, is_pair)
        self.assertGreater(len(set(by_default["exit_layer"])), 2)  # else the test says little
        tokens = small_tokenizer()(*(list(rows) for rows in (TEXTS, PAIRS)[: len(texts)]))
        tokens = {name: value.numpy() for name, value in tokens.items()}
        self.assert_same(call(directory / "3", "serving_default", texts), by_default)
        self.assert_same(call(directory / "3", "with_speed", {**texts, "speed": SPEEDS}), by_speed)
        self.assert_same(call(directory / "3", "tokenized", {**tokens, "speed": SPEEDS}), by_speed)
        classes = np.tile(strings(LABELS), (len(TEXTS), 1))
        self.assert_same(
            call(directory / "3", "classify", {"inputs": examples(**texts)}),
            {"classes": classes, "scores": by_default["probabilities"]},
        )

    @parameterized.parameters(((2, 4), 0.0), ((1, 3, 4), 0.5), ((4,), 0.0))
    def test_exits_that_are_on(self, layers, shrink_share):
        """And the manifest says which."""
        model = small_model()
        exits = Exits(layers, shrink_share, "hand")
        with tempfile.TemporaryDirectory() as folder:
            path = export_saved_model(
                folder, model=model, tokenizer=small_tokenizer(), label_names=LABELS, is_pair=False, exits=exits
            )
            self.assertEqual(Manifest.read(path).exits, exits)
            got, want = (
                call(path, "with_speed", {"text": strings(TEXTS), "speed": SPEEDS})
                for call in (session_call, object_call)
            )
        self.assert_same(got, want)
        branches = tf.nn.softmax(model(small_tokenizer()(list(TEXTS)), training=False)).numpy()
        simulated = simulate(NormalizedEntropy(), branches, SPEEDS, ExitSchedule(layers, shrink_share))
        self.assertAllEqual(got["exit_layer"], simulated["exit_layer"])
        self.assertAllClose(got["probabilities"], simulated["probabilities"], atol=1e-6, rtol=0)
        self.assertLessEqual(set(got["exit_layer"]), set(layers))

    def test_another_stack(self):
        """Whatever has the stack's four calls and names its variables can be exported."""

        class Backwards(KerasStack):
            def classify(self, index, state):
                return super().classify(index, state)[:, ::-1]

        model = small_model()
        with tempfile.TemporaryDirectory() as folder:
            path = export_saved_model(
                folder,
                model=model,
                tokenizer=small_tokenizer(),
                label_names=LABELS,
                is_pair=False,
                stack=Backwards(model),
                precision="bfloat16",
            )
            got = session_call(path, "with_speed", {"text": strings(TEXTS), "speed": SPEEDS})
            self.assertEqual(Manifest.read(path).precision, "bfloat16")
        want = expected(model, SPEEDS, is_pair=False)
        self.assertAllClose(got["probabilities"], want["probabilities"][:, ::-1], atol=1e-6, rtol=0)

    def test_default_speed_is_baked_in(self):
        model = small_model()
        with tempfile.TemporaryDirectory() as folder:
            path = export_saved_model(
                folder, model=model, tokenizer=small_tokenizer(), label_names=LABELS, is_pair=False, default_speed=0.9
            )
            got = session_call(path, "serving_default", {"text": strings(TEXTS)})
        want = expected(model, np.full(len(TEXTS), 0.9, np.float32), is_pair=False)
        self.assertAllEqual(got["exit_layer"], want["exit_layer"])
        self.assertLess(want["exit_layer"].mean(), 2)

    def test_mixed_precision_model_answers_alike_in_both_loaders(self):
        model = small_model(dtype="mixed_bfloat16")
        with tempfile.TemporaryDirectory() as folder:
            path = export_saved_model(
                folder, model=model, tokenizer=small_tokenizer(), label_names=LABELS, is_pair=False
            )
            inputs = {"text": strings(TEXTS), "speed": np.zeros(len(TEXTS), np.float32)}
            got, want = (call(path, "with_speed", inputs) for call in (session_call, object_call))
        self.assertAllClose(got["probabilities"], want["probabilities"], atol=1e-6)

    def test_no_rows_and_one_row(self):
        _, directory = small_export()
        for rows in (0, 1):
            got = session_call(directory / "3", "serving_default", {"text": strings(TEXTS[:rows])})
            self.assertAllEqual({name: value.shape[0] for name, value in got.items()}, dict.fromkeys(got, rows))


if __name__ == "__main__":
    tf.test.main()
