"""The README's Python lines run as they stand there."""

import contextlib
import io
import os
import re
import tempfile
from pathlib import Path

import tensorflow as tf
from eager_training import eager_functions, eager_training
from short_timing import short_timing
from tiny_checkpoint import write_checkpoint, write_tables

README = Path(__file__).resolve().parent.parent / "README.md"


class ReadmeTest(tf.test.TestCase):
    def test_python_lines_train_evaluate_predict_and_export(self):
        folder = Path(tempfile.mkdtemp(dir=self.get_temp_dir()))
        write_checkpoint(folder / "path/to/bert", layers=2)
        write_tables(folder, rows=32)
        main, stages = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
        names: dict = {}
        printed = io.StringIO()
        before = os.getcwd()
        os.chdir(folder)
        try:
            with contextlib.redirect_stdout(printed), eager_training(), short_timing():
                exec(main, names)
                with eager_functions():
                    exec(stages, names)
        finally:
            os.chdir(before)
        self.assertIn("| full depth |", printed.getvalue())
        self.assertRegex(printed.getvalue(), r"\n(negative|positive) [123] 0\.\d+\n")
        self.assertTrue((folder / "runs/mine/export/1/saved_model.pb").is_file())
        self.assertLen(names["stage"].history.history["loss"], 1)


if __name__ == "__main__":
    tf.test.main()
