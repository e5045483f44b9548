"""Opens the rows that are reported on: once for each model, which was fitted and stored before, and without labels.

Nothing that fits, chooses or calibrates is imported here, and nothing else reads these rows; tests keep it so.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Protocol

from fastbert_tf.data import Task, TextDataset
from fastbert_tf.evaluation import BranchOutputs, read_outputs, write_outputs
from fastbert_tf.recipes.train import report_part


class Model(Protocol):
    """Something fitted, and fixed, that answers texts."""

    @property
    def digest(self) -> str:
        """Tells it from other models."""

    def answers(self, rows: TextDataset) -> BranchOutputs:
        """Returns its answers in the order of the rows, with the rows' labels where they have any."""


def opened(model: Model, task: Task, folder: Path) -> BranchOutputs:
    """Returns what a model says about the rows that the task reports on, asked for once.

    Args:
        model: sees the texts alone.
        task: the task.
        folder: keeps the answers.

    Raises:
        ValueError: the folder keeps the answers of another model: it was opened for that one already.
    """
    stored = read_outputs(folder, model.digest)
    if stored is not None:
        return stored
    if any(folder.glob("*.npz")):
        raise ValueError(f"{folder} keeps the answers of another model; the part was opened for that one")
    rows = report_part(task)
    outputs = replace(model.answers(TextDataset(rows.texts, rows.text_pairs)), labels=rows.labels)
    folder.mkdir(parents=True, exist_ok=True)
    write_outputs(outputs, folder, model.digest)
    return outputs
