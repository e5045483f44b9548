"""A user's own tables as a task: which rows train, which select the best epoch, which are reported on."""

import tempfile
from pathlib import Path

import tensorflow as tf
from tiny_checkpoint import write_tables

from fastbert_tf.recipes.task_files import open_task
from fastbert_tf.recipes.train import report_part, selection_split


class OwnTablesTest(tf.test.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        holder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(holder.cleanup)
        cls.train, cls.dev = Path(holder.name) / "train.tsv", Path(holder.name) / "dev.tsv"
        write_tables(Path(holder.name))  # 80 and 40 rows
        cls.all_texts = open_task(train=cls.train, dev=cls.dev, text="sentence").train.texts

    def parts(self, **options):
        """The texts that train, that select, that are reported on."""
        task = open_task(train=self.train, text="sentence", **options)
        rows, selection = selection_split(task, held_out=0.5, seed=3)
        return rows.texts, selection.texts, report_part(task).texts

    def test_without_other_tables_one_split_serves_selection(self):
        rows, selection, reported = self.parts()
        self.assertLen(selection, 4)
        self.assertCountEqual(rows + selection, self.all_texts)
        self.assertEqual(reported, selection)

    def test_dev_selects(self):
        rows, selection, reported = self.parts(dev=self.dev)
        self.assertEqual(rows, self.all_texts)
        self.assertLen(selection, 40)
        self.assertEqual(reported, selection)

    def test_test_is_reported_on_and_selects_nothing(self):
        rows, selection, reported = self.parts(test=self.dev, held_out=0.25)
        self.assertLen(reported, 40)
        self.assertLen(selection, 20)
        self.assertCountEqual(rows + selection, self.all_texts)

    def test_the_seed_chooses_the_rows(self):
        self.assertNotEqual(self.parts(seed=0)[1], self.parts(seed=1)[1])

    def test_a_task_or_a_table(self):
        for options in ({}, {"name": "sample", "train": self.train}):
            with self.assertRaisesRegex(ValueError, "exactly one"):
                open_task(**options)

    def test_a_named_task_has_its_own_parts(self):
        for part in ("dev", "test"):
            with self.assertRaisesRegex(ValueError, "task sample has its own parts"):
                open_task("sample", **{part: self.dev})


if __name__ == "__main__":
    tf.test.main()
