"""Branch outputs on disk."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.evaluation import BranchOutputs, read_outputs, write_outputs


def outputs(labelled=True) -> BranchOutputs:
    probabilities = np.random.default_rng(0).uniform(size=(4, 3, 2)).astype(np.float32)
    labels = np.array([0, 1, 1, 0], np.int32) if labelled else None
    return BranchOutputs(probabilities, labels, np.array([2, 3, 4, 5], np.int32))


class OutputsFileTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = Path(holder.name)

    @parameterized.parameters(True, False)
    def test_round_trip(self, labelled):
        written = outputs(labelled)
        write_outputs(written, self.folder, "model")
        read = read_outputs(self.folder, "model")
        for name in ("probabilities", "lengths"):
            self.assertAllEqual(getattr(read, name), getattr(written, name))
        self.assertEqual(read.labels is None, not labelled)
        if labelled:
            self.assertAllEqual(read.labels, written.labels)
        self.assertEqual([path.name for path in self.folder.iterdir()], ["branch_outputs.npz"])

    def test_none_of_this_model(self):
        self.assertIsNone(read_outputs(self.folder, "model"))
        write_outputs(outputs(), self.folder, "another")
        self.assertIsNone(read_outputs(self.folder, "model"))

    @parameterized.parameters(b"", b"PK\x03\x04 cut short", b"text")
    def test_damaged(self, content):
        (self.folder / "branch_outputs.npz").write_bytes(content)
        with self.assertRaisesRegex(ValueError, "branch_outputs.npz is damaged .*; evaluate again"):
            read_outputs(self.folder, "model")

    def test_directory_that_cannot_be_written(self):
        with self.assertRaisesRegex(ValueError, "cannot be written"):
            write_outputs(outputs(), "/proc", "model")


if __name__ == "__main__":
    tf.test.main()
