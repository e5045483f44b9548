"""The training texts of tasks as a corpus."""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf

from fastbert_tf.data import Task, TextDataset
from fastbert_tf.recipes import write_task_texts


def part(*texts, pairs=None):
    return TextDataset(texts, pairs, [0] * len(texts), ["no", "yes"])


def task(train, dev, test=None):
    return Task("a task", train, dev, test, ("accuracy",), ("no", "yes"))


LETTERS = [f"text {letter}" for letter in "abcdefghijklmnopqrst"]


class TaskTextsTest(tf.test.TestCase):
    def write(self, *tasks, **options):
        self.folder = Path(self.get_temp_dir()) / "texts"
        found = write_task_texts(tasks, self.folder, **options)
        lines = [(self.folder / f"{name}.txt").read_text().splitlines() for name in ("train", "held_out")]
        self.assertEqual((found.train, found.held_out), (len(lines[0]), len(lines[1])))
        return found, *lines

    def test_each_training_text_once_and_in_one_line(self):
        rows = part(*LETTERS, "text a", "two\nlines \u3000here", "  ")
        _, train, held_out = self.write(task(rows, part("other")), held_out=0.3)
        self.assertCountEqual(train + held_out, [*LETTERS, "two lines here"])

    def test_no_text_of_another_part(self):
        """Of any task, however it is spaced, and of either text of a pair."""
        first = task(part(*LETTERS), part("text  a"), part(" text b"))
        second = task(part("x y", "z", pairs=["text c", "w"]), part("v", "u", pairs=["text d", "x y"]))
        found, train, held_out = self.write(first, second, held_out=0.3)
        self.assertCountEqual(train + held_out, [*LETTERS[2:3], *LETTERS[4:], "z", "w"])
        self.assertEqual(found.unseen, 4)  # a, b, d and "x y"

    def test_calibration_rows_are_those_that_training_holds_out(self):
        rows = part(*LETTERS)
        _, train, held_out = self.write(task(rows, part("other")), held_out=0.3, calibration_rows=6, seed=4)
        rest, _ = rows.split(6, seed=4)
        self.assertCountEqual(train + held_out, rest.texts)

    def test_the_seed_decides(self):
        rows = task(part(*LETTERS), part("other"))
        self.assertEqual(self.write(rows, held_out=0.3), self.write(rows, held_out=0.3))
        self.assertNotEqual(self.write(rows, held_out=0.3), self.write(rows, held_out=0.3, seed=1))

    def test_refused(self):
        rows = task(part(*LETTERS), part("other"))
        for tasks, options, message in (
            ([], {}, "at least one task"),
            ([rows], {"held_out": 0}, r"held_out must be in \(0, 1\)"),
            ([rows], {"held_out": 1e-9}, "20 texts are too few"),
            ([rows], {"calibration_rows": 20}, "a split of 20 rows holds out"),
        ):
            with self.assertRaisesRegex(ValueError, message):
                self.write(*tasks, **options)
        (Path(self.get_temp_dir()) / "file").touch()
        with self.assertRaisesRegex(ValueError, "file/texts cannot be written"):
            write_task_texts([rows], Path(self.get_temp_dir()) / "file" / "texts", held_out=0.3)


if __name__ == "__main__":
    tf.test.main()
