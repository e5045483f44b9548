"""The rows that are reported on."""

import ast
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf
from harness.reproduction import opening

from fastbert_tf.data import make_sample_task
from fastbert_tf.evaluation import BranchOutputs


class OpeningTest(tf.test.TestCase):
    """What is reported on is read in one place, by code that cannot tune."""

    def test_what_opens_the_reported_rows_cannot_tune(self):
        tree = ast.parse(Path(opening.__file__).read_text(encoding="utf-8"))
        nodes = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
        modules = {getattr(node, "module", None) or node.names[0].name for node in nodes}
        names = {alias.name for node in nodes for alias in node.names}
        self.assertEmpty({one for one in modules if "calibration" in one or "training" in one or "tuning" in one})
        allowed = {
            "annotations", "replace", "Path", "Protocol", "Task", "TextDataset", "BranchOutputs", "read_outputs",
            "write_outputs", "report_part",
        }  # fmt: skip
        self.assertEqual(names, allowed)

    def test_nothing_else_reads_them(self):
        """`rows.py` looks at their texts, to keep them out of unlabelled text."""
        folder = Path(opening.__file__).parent
        reading = {"report_part": {"opening.py"}, "test": {"rows.py"}, "dev": {"rows.py"}, "parts": set()}
        for file in [*folder.rglob("*.py"), folder.parents[1] / "reproduce_fastbert.py"]:
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                name = getattr(node, "id", None) or getattr(node, "attr", None) or getattr(node, "name", None)
                if name in ("report_part",) or (isinstance(node, ast.Attribute) and name in reading):
                    self.assertIn(file.name, reading[name], f"{file.name} reads {name}")

    def test_a_model_sees_no_label_and_is_asked_once(self):
        asked, task = [], make_sample_task(20, 20, 20)

        class Model:
            digest = "one"

            def answers(self, rows):
                asked.append(rows)
                return BranchOutputs(np.full((20, 1, 2), 0.5, np.float32), rows.labels, np.full(20, 3, np.int32))

        with tempfile.TemporaryDirectory() as name:
            for _ in range(2):
                found = opening.opened(Model(), task, Path(name) / "test")
                self.assertAllEqual(found.labels, task.test.labels)
            self.assertLen(asked, 1)
            self.assertIsNone(asked[0].labels)
            self.assertEqual(asked[0].texts, task.test.texts)
            Model.digest = "another"
            with self.assertRaisesRegex(ValueError, "another model"):
                opening.opened(Model(), task, Path(name) / "test")


if __name__ == "__main__":
    tf.test.main()
