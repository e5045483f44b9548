"""Exports that must fail: one line that says why, and nothing half written."""

import json
import resource
import tempfile
from pathlib import Path
from unittest import mock

import tensorflow as tf
from absl.testing import parameterized
from small_classifier import LABELS, small_model, small_tokenizer

from fastbert_serving.manifest import Exits, Manifest
from fastbert_tf import files
from fastbert_tf.export import ExportError, export_saved_model
from fastbert_tf.export import saved_model as saved_model_module
from fastbert_tf.export.version_directory import version_directory


class ExportErrorsTest(tf.test.TestCase, parameterized.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.model, cls.tokenizer = small_model(num_layers=2), small_tokenizer()

    def setUp(self):
        super().setUp()
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = Path(holder.name)

    def export(self, directory=None, **changes):
        pieces = {"model": self.model, "tokenizer": self.tokenizer, "label_names": LABELS, "is_pair": False}
        return export_saved_model(directory or self.folder / "model", **{**pieces, **changes})

    def assert_refused(self, error, words, directory=None, **changes):
        with self.assertRaisesRegex(error, words) as caught:
            self.export(directory, **changes)
        self.assertLen(str(caught.exception).splitlines(), 1)
        self.assertIsInstance(caught.exception, ValueError)

    @parameterized.parameters(
        ({"version": 0}, "version must be an integer of at least 1, but is 0"),
        ({"version": "1"}, "version must be an integer"),
        ({"default_speed": 1.5}, r"default_speed must be in \[0, 1\], but is 1.5"),
        ({"default_speed": float("nan")}, r"default_speed must be in \[0, 1\], but is nan"),
        ({"label_names": ("a", "b")}, "label_names has 2 names, but the model has 3 classes"),
        ({"label_names": ("a", "b", "a")}, "labels"),
        ({"label_names": ("a", "b", "")}, "labels"),
        ({"is_pair": "yes"}, "is_pair: 'yes' is not of type 'boolean'"),
        ({"curve": {"points": []}}, r"curve\.points: \[\] should be non-empty"),
        ({"curve": {"points": [{"speed": float("inf")}]}}, "finite"),
        ({"exits": Exits((1,), 0.0, "hand")}, "exits.layers: .* must rise and end with the last layer 2"),
        ({"exits": Exits((1, 2), 0.0, "dice")}, "exits.chosen_by"),
        ({"precision": "float64"}, "precision"),
        ({"lowest_accuracy": 0.9}, "lowest_accuracy needs a curve"),
        ({"lowest_accuracy": 90, "curve": {"points": [{"speed": 0.5}]}}, "lowest_accuracy: 90 is greater than the max"),
    )
    def test_arguments(self, changes, words):
        self.assert_refused(ValueError, words, **changes)
        self.assertEmpty(list(self.folder.iterdir()))

    def test_pieces_of_different_models(self):
        self.assert_refused(
            ExportError, "the vocabulary has .* the embedding 50", model=small_model(vocabulary_size=50)
        )
        self.assert_refused(ExportError, "max_sequence_length is 25, .* 24 positions", tokenizer=small_tokenizer(25))
        self.assert_refused(ExportError, "num_segments", model=small_model(num_segments=1), is_pair=True)
        self.assertEmpty(list(self.folder.iterdir()))

    def test_existing_version_stays_unless_overwritten(self):
        path = self.export(default_speed=0.1)
        (path / "mark").touch()
        (path.parent / "batching_params.pbtxt").write_text("tuned")
        self.assert_refused(ExportError, "version 1 exists in .*; export another version, or pass overwrite")
        self.assertTrue((path / "mark").exists())
        self.export(default_speed=0.9, overwrite=True)
        self.assertEqual(Manifest.read(path).default_speed, 0.9)
        self.assertFalse((path / "mark").exists())
        self.assertEqual((path.parent / "batching_params.pbtxt").read_text(), "tuned")
        self.assertCountEqual([p.name for p in path.parent.iterdir()], ["1", "batching_params.pbtxt"])

    def test_overwriting_exchanges_old_and_new_without_a_gap(self):
        with version_directory(self.folder, 1, overwrite=False) as path:
            (path / "old").touch()
        if not files.exchange(self.folder / "1", self.folder / "1"):
            self.skipTest("this file system cannot exchange two names in one step")
        no_rename = mock.patch.object(Path, "rename", side_effect=OSError(5, "two renames leave a gap"))
        with no_rename, version_directory(self.folder, 1, overwrite=True) as path:
            (path / "new").touch()
        self.assertEqual([str(p.relative_to(self.folder)) for p in self.folder.rglob("*")], ["1", "1/new"])

    def test_a_version_that_came_first_is_kept(self):
        with (
            self.assertRaisesRegex(ExportError, "cannot export to .*/1: Directory not empty"),
            version_directory(self.folder, 1, overwrite=False),
        ):
            (self.folder / "1").mkdir()
            (self.folder / "1" / "theirs").touch()
        self.assertEqual([p.name for p in self.folder.rglob("*")], ["1", "theirs"])

    def test_directory_that_cannot_be_made(self):
        self.assert_refused(ExportError, "cannot export to /proc/.*; give a writable directory", "/proc/model")
        (self.folder / "file").touch()
        self.assert_refused(ExportError, "cannot export to .*Not a directory", self.folder / "file")

    @parameterized.parameters(1_000, 20_000, 60_000)  # full while writing a small file, the weights, the graph
    def test_full_disk_leaves_the_old_version_alone(self, size):
        self.export(default_speed=0.1)
        before = sorted(p for p in self.folder.rglob("*") if p.is_file())
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
        try:
            self.assert_refused(ExportError, "cannot export to .*; give a writable directory", overwrite=True)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        self.assertEqual(sorted(p for p in self.folder.rglob("*") if p.is_file()), before)
        self.assertEqual(Manifest.read(self.folder / "model" / "1").default_speed, 0.1)

    def test_interrupted_export_leaves_nothing(self):
        with (
            mock.patch.object(saved_model_module, "write_warmup_requests", side_effect=KeyboardInterrupt),
            self.assertRaises(KeyboardInterrupt),
        ):
            self.export()
        self.assertEmpty([p for p in self.folder.rglob("*") if p.is_file()])

    def test_version_is_never_seen_incomplete(self):
        """While the export runs, no numbered directory exists: servers look for numbers."""
        seen = []
        write = Manifest.write

        def spying_write(manifest, folder):
            seen.extend(p.name for p in (self.folder / "model").iterdir())
            write(manifest, folder)

        with mock.patch.object(Manifest, "write", spying_write):
            path = self.export()
        self.assertLen(seen, 1)
        self.assertFalse(seen[0].isdecimal())
        self.assertEqual(json.loads((path / "assets.extra" / "manifest.json").read_text())["format_version"], 1)


if __name__ == "__main__":
    tf.test.main()
