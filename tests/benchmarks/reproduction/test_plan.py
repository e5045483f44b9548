"""The order of parts, and checkpoints cut to fewer layers."""

import json
import tempfile
from pathlib import Path

import tensorflow as tf
from harness.reproduction import plan
from harness.reproduction.cut import cut_checkpoint, spread_layers
from harness.reproduction.settings import TASKS


class PlanTest(tf.test.TestCase):
    def test_each_part_once_and_after_what_it_needs(self):
        parts = plan.parts()
        self.assertLen(set(parts), len(parts))
        self.assertEqual({part.task for part in parts}, set(TASKS))
        for number, part in enumerate(parts):
            for kind in part.begins_with:
                self.assertIn(plan.Part(part.task, kind), parts[:number])
            self.assertIn(part.kind, plan.KINDS)
            self.assertGreater(part.minutes, 0)
        self.assertEqual(plan.Part("sst2", "student_3").depth, 3)

    def test_a_cut_checkpoint(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        folder = Path(temporary.name)
        whole = folder / "whole"
        whole.mkdir()
        (whole / "config.json").write_text('{"num_hidden_layers": 6, "hidden_size": 8}')
        (whole / "vocab.txt").write_text("a")
        cut = cut_checkpoint(whole, 2, folder / "cut")
        self.assertEqual(json.loads((cut / "config.json").read_text()), {"num_hidden_layers": 2, "hidden_size": 8})
        self.assertEqual((cut / "vocab.txt").read_text(), "a")
        with self.assertRaisesRegex(ValueError, "6 layers"):
            cut_checkpoint(whole, 7, folder / "deep")
        self.assertEqual([spread_layers(6, depth) for depth in (1, 3, 6)], [[0], [0, 2, 4], [0, 1, 2, 3, 4, 5]])


if __name__ == "__main__":
    tf.test.main()
