"""Which rows do what: the same ones in every part of a task."""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from fastbert_tf.data import DATA_VARIABLE, Task, TextDataset, load_task, read_lines
from fastbert_tf.recipes.calibration_rows import hold_out, without
from fastbert_tf.recipes.task_files import HELD_OUT
from fastbert_tf.recipes.train import selection_split
from harness.reproduction.settings import EXTRA_TEXTS, TASKS

SEED = 0


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of a task, but those that it reports on."""

    train: TextDataset
    """To learn from."""
    selection: TextDataset
    """Select the epoch."""
    calibration: TextDataset
    """Tune policies, and nothing else."""

    @classmethod
    def of(cls, task: Task) -> Rows:
        """Splits as `train_classifier` does with the same numbers."""
        rest, calibration = hold_out(task.train, TASKS[task.name].calibration_rows, SEED)
        assert calibration is not None
        return cls(*selection_split(task, HELD_OUT, SEED, rest), calibration)


def extra_texts(task: Task, rows: Rows) -> TextDataset:
    """Returns training texts and as many unlabelled ones, less all that the task's other rows hold.

    Raises:
        ValueError: no unlabelled text is named for the task, or it is not there.
    """
    file, count = extra_file(task.name), len(rows.train)
    if file is None:
        extra = load_task(EXTRA_TEXTS[task.name]).train.texts[:count]
    else:
        extra = tuple(islice(read_lines([str(file)]).texts, count))
    texts = TextDataset((*rows.train.texts, *extra))
    for kept_apart in (rows.calibration, rows.selection, task.dev, task.test):
        texts = texts if kept_apart is None else without(texts, kept_apart)
    return texts


def extra_file(task: str) -> Path | None:
    """Returns the file of the unlabelled texts of a task; None where they are those of another task.

    Raises:
        ValueError: none are named for the task, or they are not there.
    """
    if task not in EXTRA_TEXTS:
        raise ValueError(f"no unlabelled text is named for {task}; add it to EXTRA_TEXTS")
    if EXTRA_TEXTS[task] in TASKS:
        return None
    path = Path(os.environ.get(DATA_VARIABLE, "")) / EXTRA_TEXTS[task]
    if not path.is_file():
        raise ValueError(f"the unlabelled text of {task} is not at {path}; correct {DATA_VARIABLE}")
    return path
