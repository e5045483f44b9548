"""The reader of LiteRT exports: its checks, and the copy of it that lies in the export."""

import importlib.util
import json
import shutil
import sys
import tempfile
from pathlib import Path
from unittest import mock

import tensorflow as tf
from absl.testing import parameterized

sys.path.insert(0, str(Path(__file__).parents[1] / "export"))
from litert_export import litert_export
from small_classifier import TEXTS, small_tokenizer

from fastbert_tf.device import DeviceClassifier, InterpreterMissing, interpreter


class DeviceClassifierTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = litert_export()

    def damaged(self, name, content):
        """A copy of the export in which a file is another; None: it is missing."""
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        folder = Path(shutil.copytree(self.folder, Path(holder.name) / "lite"))
        (folder / name).unlink()
        if content is not None:
            (folder / name).write_bytes(content)
        return folder

    def test_takes_text_or_tokens_of_any_length(self):
        lite, tokenizer = DeviceClassifier(self.folder), small_tokenizer()
        for text in (*TEXTS, TEXTS[0]):
            token_ids = tokenizer(text)["token_ids"][0].numpy()
            self.assertEqual(lite.answer(token_ids.tolist(), speed=0.0), lite(text, speed=0.0))
            self.assertEqual(lite.answer(token_ids), lite(text, speed=0.4))  # the manifest's speed
        self.assertEqual(lite(TEXTS[0].encode()), lite(TEXTS[0]))

    @parameterized.parameters(
        (lambda lite: lite(list(TEXTS)), "reads one text at a time, at batch 1"),
        (lambda lite: lite("good", "bad"), "reads one text, no pair"),
        (lambda lite: lite("good", speed=1.1), r"speed must be in \[0, 1\], but is 1.1"),
        (lambda lite: lite("good", speed=float("nan")), r"speed must be in \[0, 1\], but is nan"),
        (lambda lite: lite.answer([[2, 3], [2, 3]]), r"one row of ids, at batch 1, but have shape \(2, 2\)"),
        (lambda lite: lite.answer([2] * 25), "must be 1 to 24 tokens long, but are 25; cut them"),
        (lambda lite: lite.answer([]), "must be 1 to 24 tokens long, but are 0"),
        (lambda lite: lite.answer([2, 9999]), "must be integers in .*, but hold 2 to 9999"),
        (lambda lite: lite.answer([2, -1]), "must be integers in .*, but hold -1 to 2"),
        (lambda lite: lite.answer([2.0, 3.0]), "must be integers in"),
        (lambda lite: lite.answer([2, 5, 3], [0, 0, 1]), "segment_ids must all be 0; leave them out"),
        (lambda lite: DeviceClassifier(litert_export(), num_threads=0), "num_threads must be an integer of at least 1"),
    )
    def test_refuses(self, call, message):
        with self.assertRaisesRegex(ValueError, message):
            call(DeviceClassifier(self.folder))

    def test_a_pair_needs_both_and_its_segments(self):
        lite = DeviceClassifier(litert_export(is_pair=True))
        with self.assertRaisesRegex(ValueError, "reads two texts"):
            lite("good")
        with self.assertRaisesRegex(ValueError, "segment_ids must be 3, one a token, but are 2"):
            lite.answer([2, 5, 3], [0, 0])

    @parameterized.parameters("model.tflite", "vocab.txt", "manifest.json")
    def test_names_the_file_that_is_missing(self, name):
        with self.assertRaisesRegex(FileNotFoundError, name):
            DeviceClassifier(self.damaged(name, None))

    @parameterized.parameters(
        ("model.tflite", b"no model", "no LiteRT model that can be read"),
        ("manifest.json", b"{", "is no JSON"),
        ("manifest.json", b"[]", "must have format_version 1"),
        ("manifest.json", json.dumps({"format_version": 2}).encode(), "must have format_version 1, but has 2"),
        (
            "manifest.json",
            json.dumps({"format_version": 1, "labels": []}).encode(),
            "lacks is_pair, default_speed, tok",
        ),
    )
    def test_names_the_file_that_is_broken(self, name, content, message):
        with self.assertRaisesRegex(ValueError, message):
            DeviceClassifier(self.damaged(name, content))

    def test_without_an_interpreter_it_says_what_to_install(self):
        with (
            mock.patch.object(interpreter, "_MODULES", ("no_such_module.interpreter",)),
            self.assertRaisesRegex(InterpreterMissing, "pip install ai-edge-litert"),
        ):
            DeviceClassifier(self.folder)

    def test_the_copy_in_the_export_stands_alone(self):
        source = self.folder / "fastbert_device"
        spec = importlib.util.spec_from_file_location("fastbert_device", source / "__init__.py")
        package = importlib.util.module_from_spec(spec)
        with mock.patch.dict(sys.modules, {"fastbert_device": package}):
            spec.loader.exec_module(package)
            found = package.DeviceClassifier(self.folder)(TEXTS[2], speed=0.5)
        expected = DeviceClassifier(self.folder)(TEXTS[2], speed=0.5)
        self.assertEqual(vars(found), vars(expected))


if __name__ == "__main__":
    tf.test.main()
