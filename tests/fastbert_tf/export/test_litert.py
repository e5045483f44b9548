"""The LiteRT file against the exit loop on the trained layers."""

import json
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from litert_export import litert_export
from small_classifier import LABELS, TEXTS, eager_loop, small_model, small_tokenizer

from fastbert_tf.device import DeviceClassifier
from fastbert_tf.export import ExportError, export_litert

SIGNATURE = (
    {name: tf.TensorSpec([1, None], tf.int32) for name in ("token_ids", "segment_ids", "padding_mask")},
    tf.TensorSpec([1], tf.float32),
)
SPEEDS = (0.0, 0.3, 0.6, 0.9, 1.0)


def arguments(**changes):
    given = {
        "model": small_model(num_layers=2),
        "tokenizer": small_tokenizer(),
        "label_names": LABELS,
        "is_pair": False,
    }
    return {**given, **changes}


class LitertTest(tf.test.TestCase, parameterized.TestCase):
    def compare(self, folder, model, pairs=None):
        """Returns answers for every text and speed, and how far their probabilities are apart where the exit agrees."""
        tokenizer, lite = small_tokenizer(), DeviceClassifier(folder)
        loop = tf.function(eager_loop(model), input_signature=SIGNATURE)
        answers, apart = [], []
        for number, text in enumerate(TEXTS):
            pair = None if pairs is None else pairs[number]
            inputs = tokenizer([text], None if pair is None else [pair])
            for speed in SPEEDS:
                expected = {name: value.numpy()[0] for name, value in loop(inputs, tf.constant([speed])).items()}
                found = lite(text, pair, speed)
                p = np.array(found.probabilities)
                self.assertAllClose(found.uncertainty, -np.sum(p * np.log(p)) / np.log(3), atol=1e-4, rtol=0)
                self.assertEqual(found.label, LABELS[int(np.argmax(p))])
                answers.append(found)
                if found.exit_layer == expected["exit_layer"]:
                    apart.append(np.abs(p - expected["probabilities"]).max())
        return answers, apart

    @parameterized.parameters((3, None), (2, TEXTS[::-1]))
    def test_float16_answers_as_the_loop_does(self, layers, pairs):
        folder = litert_export(is_pair=pairs is not None)
        answers, apart = self.compare(folder, small_model(num_layers=layers), pairs)
        self.assertLen(apart, len(answers))  # every row leaves where it should
        self.assertLess(np.median(apart), 0.003)
        self.assertLess(np.max(apart), 0.03)
        self.assertLen({answer.exit_layer for answer in answers}, layers)

    def test_int8_is_near_and_holds_every_weight_once(self):
        """In a model with kernels that are large enough to be stored in int8: the small ones stay in float32."""
        model = small_model(num_layers=2, hidden_dim=64, intermediate_dim=512)
        numbers = sum(int(np.prod(weight.shape)) for weight in model.weights)
        with tempfile.TemporaryDirectory() as holder:
            folder = export_litert(Path(holder) / "lite", **arguments(model=model, precision="int8"))
            self.assertLess((folder / "model.tflite").stat().st_size, 1.2 * numbers + 80_000)
            answers, apart = self.compare(folder, model)
        self.assertGreater(len(apart), 0.8 * len(answers))
        self.assertLess(np.median(apart), 0.05)
        self.assertGreater(np.max(apart), 1e-4)  # it is int8 indeed

    def test_later_layers_are_not_reached_and_weights_are_there_once(self):
        """The last layer holds numbers that no answer survives: who leaves before it must not see them."""
        model = small_model(num_layers=2, hidden_dim=64, intermediate_dim=512)
        numbers = sum(int(np.prod(weight.shape)) for weight in model.weights)
        model.backbone.blocks[-1].intermediate.bias.assign(np.full(512, np.nan, np.float32))
        with tempfile.TemporaryDirectory() as holder:
            folder = export_litert(Path(holder) / "lite", **arguments(model=model, precision="float16"))
            self.assertLess((folder / "model.tflite").stat().st_size, 1.2 * 2 * numbers + 80_000)
            lite = DeviceClassifier(folder)
            early, late = lite(TEXTS[0], speed=1.0), lite(TEXTS[0], speed=0.0)
        self.assertEqual((early.exit_layer, late.exit_layer), (1, 2))
        self.assertAllInRange(early.probabilities, 0, 1)
        self.assertTrue(np.all(np.isnan(late.probabilities)))

    def test_manifest_says_what_an_app_needs(self):
        manifest = json.loads((litert_export() / "manifest.json").read_text(encoding="utf-8"))
        vocabulary = small_tokenizer().vocabulary
        self.assertEqual(manifest["labels"], list(LABELS))
        self.assertEqual(
            manifest["tokenizer"],
            {
                "lower_case": True,
                "max_sequence_length": 24,
                "vocabulary_size": len(vocabulary),
                "padding_id": 0,
                "unknown_id": 1,
                "start_id": 2,
                "end_id": 3,
            },
        )
        kept = {name: manifest[name] for name in ("is_pair", "num_layers", "exits", "default_speed", "precision")}
        self.assertEqual(
            kept,
            {"is_pair": False, "num_layers": 3, "exits": [1, 2, 3], "default_speed": 0.4, "precision": "float16"},
        )
        self.assertEqual(
            (litert_export() / "vocab.txt").read_text(encoding="utf-8").splitlines(), list(vocabulary.tokens)
        )

    @parameterized.parameters(
        ({"precision": "int4"}, "precision must be one of"),
        ({"default_speed": 1.5}, "default_speed must be in"),
        ({"default_speed": float("nan")}, "default_speed must be in"),
        ({"exits": (1,)}, "the last exit must be the model's last layer 2"),
        ({"label_names": ("good", "bad")}, "label_names has 2 names, but the model has 3 classes"),
    )
    def test_refuses(self, changes, message):
        with tempfile.TemporaryDirectory() as holder:
            with self.assertRaisesRegex(ValueError, message):
                export_litert(Path(holder) / "lite", **arguments(**changes))
            self.assertEmpty(list(Path(holder).iterdir()))

    def test_replaces_an_older_export_alone(self):
        with tempfile.TemporaryDirectory() as holder:
            folder = Path(holder)
            (folder / "letter.txt").write_text("mine", encoding="utf-8")
            with self.assertRaisesRegex(ExportError, "holds something else than a LiteRT export"):
                export_litert(folder, **arguments(), overwrite=True)
        with self.assertRaisesRegex(ExportError, "holds an export; choose another folder, or pass overwrite"):
            export_litert(litert_export(), **arguments())


if __name__ == "__main__":
    tf.test.main()
