"""A task from a name, or from a user's own files."""

from __future__ import annotations

import os
from collections.abc import Sequence

from fastbert_tf.data import TASKS, Task, TextDataset, load_task, read_table

TASK_NAMES = TASKS
"""The named tasks."""
SAMPLE_TASK = "sample"
"""The one that has no files."""
HELD_OUT = 0.05
"""Share of own training rows that select the best epoch where no dev table is named."""

Column = str | int


def open_task(
    name: str | None = None,
    *,
    folder: str | os.PathLike[str] | None = None,
    train: str | os.PathLike[str] | None = None,
    dev: str | os.PathLike[str] | None = None,
    test: str | os.PathLike[str] | None = None,
    text: Column = "text",
    text_pair: Column | None = None,
    label: Column = "label",
    label_names: Sequence[str] | None = None,
    metrics: Sequence[str] = ("accuracy",),
    held_out: int | float = HELD_OUT,
    seed: int = 0,
) -> Task:
    """Opens a named task, or tables (TSV, CSV, JSONL) with the columns that are named.

    Of own tables `task.dev` selects the best epoch. `task.test` is reported on; without a test table these are the dev
    rows once more, and flatter the result a little.

    Args:
        name: one of `TASK_NAMES`, or None for own files.
        folder: where a named task's files lie; None takes FASTBERT_DATA.
        train: table of training rows.
        dev: table of rows that select the best epoch; None holds rows of `train` out.
        test: table of rows to report on; None reports on the dev rows.
        text: column of the text: name or index from 0.
        text_pair: column of the second text, or None.
        label: column of the label.
        label_names: names in the order of their ids; None sorts the labels of `train`.
        metrics: `accuracy`, `f1`, `matthews`.
        held_out: rows (count, or share) of `train` held out as dev; without effect where `dev` or `name` is given.
        seed: of the choice of these rows.

    Raises:
        ValueError: neither or both of name and train are given, or a file is unusable.
    """
    if name is not None and train is None:
        if dev is not None or test is not None:
            raise ValueError(f"task {name} has its own parts; drop dev and test, or give train instead of the name")
        return load_task(name, folder)
    if name is not None or train is None:
        raise ValueError("name a task or a training file, exactly one of them")

    def read(path: str | os.PathLike[str], names: Sequence[str] | None) -> TextDataset:
        return read_table(path, text, text_pair, label, names)

    rows = read(train, label_names)
    names = tuple(rows.label_names)
    rows, dev_rows = rows.split(held_out, seed) if dev is None else (rows, read(dev, names))
    test_rows = dev_rows if test is None else read(test, names)
    return Task(os.path.basename(train), rows, dev_rows, test_rows, tuple(metrics), names)
