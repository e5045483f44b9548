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

SPEEDS = (0.0, 0.3, 0.6, 0.9, 1.0)


def arguments(**changes):
    given = {"model": small_model(), "tokenizer": small_tokenizer(), "label_names": LABELS, "is_pair": False}
    return {**given, **changes}


class LitertTest(tf.test.TestCase, parameterized.TestCase):
    def answers(self, folder, pairs=None):
        """(found, expected) for every text and speed."""
        model, tokenizer, lite = small_model(), small_tokenizer(), DeviceClassifier(folder)
        loop = tf.function(eager_loop(model), reduce_retracing=True)
        for number, text in enumerate(TEXTS):
            pair = None if pairs is None else pairs[number]
            inputs = tokenizer([text], None if pair is None else [pair])
            for speed in SPEEDS:
                expected = {name: value.numpy() for name, value in loop(inputs, tf.constant([speed])).items()}
                yield lite(text, pair, speed), expected

    @parameterized.parameters((None,), (TEXTS[::-1],))
    def test_float16_answers_as_the_loop_does(self, pairs):
        left = set()
        for found, expected in self.answers(litert_export("float16", pairs is not None), pairs):
            self.assertEqual(found.exit_layer, expected["exit_layer"][0])
            self.assertAllClose(found.probabilities, expected["probabilities"][0], atol=0.01, rtol=0)
            self.assertAllClose(found.uncertainty, expected["uncertainty"][0], atol=0.02, rtol=0)
            self.assertEqual(found.label, LABELS[int(np.argmax(found.probabilities))])
            left.add(found.exit_layer)
        self.assertGreater(len(left), 2)

    def test_int8_is_near(self):
        pairs = list(self.answers(litert_export("int8")))
        same = [found.exit_layer == expected["exit_layer"][0] for found, expected in pairs]
        self.assertGreater(np.mean(same), 0.8)
        for (found, expected), is_same in zip(pairs, same, strict=True):
            if is_same:
                self.assertAllClose(found.probabilities, expected["probabilities"][0], atol=0.1, rtol=0)

    def test_exits_are_inside_and_later_layers_are_not_reached(self):
        """The last layer holds numbers that no answer survives: who leaves before it must not see them."""
        model = small_model()
        model.backbone.blocks[-1].intermediate.bias.assign(np.full(32, np.nan, np.float32))
        with tempfile.TemporaryDirectory() as holder:
            lite = DeviceClassifier(export_litert(Path(holder) / "lite", **arguments(model=model)))
            early, late = lite(TEXTS[0], speed=1.0), lite(TEXTS[0], speed=0.0)
        self.assertLess(early.exit_layer, 4)
        self.assertAllInRange(early.probabilities, 0, 1)
        self.assertEqual(late.exit_layer, 4)
        self.assertTrue(np.all(np.isnan(late.probabilities)))

    def test_only_the_chosen_exits_answer(self):
        with tempfile.TemporaryDirectory() as holder:
            lite = DeviceClassifier(export_litert(Path(holder) / "lite", **arguments(exits=(3, 4))))
            found = {lite(text, speed=speed).exit_layer for text in TEXTS for speed in SPEEDS}
        self.assertEqual(found, {3, 4})
        self.assertEqual(lite.manifest["exits"], [3, 4])

    def test_holds_every_weight_once(self):
        """As float16, two bytes a number; a copy for each exit would double it."""
        model = small_model(hidden_dim=64, intermediate_dim=256)
        numbers = sum(int(np.prod(weight.shape)) for weight in model.weights)
        with tempfile.TemporaryDirectory() as holder:
            folder = export_litert(Path(holder) / "lite", **arguments(model=model, precision="float16"))
            self.assertLess((folder / "model.tflite").stat().st_size, 2 * 1.2 * numbers + 100_000)

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
            {"is_pair": False, "num_layers": 4, "exits": [1, 2, 3, 4], "default_speed": 0.4, "precision": "float16"},
        )
        self.assertEqual(
            (litert_export() / "vocab.txt").read_text(encoding="utf-8").splitlines(), list(vocabulary.tokens)
        )

    @parameterized.parameters(
        ({"precision": "int4"}, "precision must be one of"),
        ({"default_speed": 1.5}, "default_speed must be in"),
        ({"default_speed": float("nan")}, "default_speed must be in"),
        ({"exits": (2, 3)}, "the last exit must be the model's last layer 4"),
        ({"label_names": ("good",)}, "label_names has 1 names, but the model has 3 classes"),
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
