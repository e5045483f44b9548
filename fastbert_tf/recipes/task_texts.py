"""The training texts of tasks as a corpus: no text of another part is in it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fastbert_tf.data import Task, TextDataset
from fastbert_tf.files import file_swap

HELD_OUT = 0.02
"""Share of the texts that are to select the epoch of pretraining."""
TRAIN_FILE, HELD_OUT_FILE = "train.txt", "held_out.txt"


@dataclass(frozen=True)
class TaskTexts:
    """What was written, and what was not."""

    train: int
    """Texts in `train.txt`."""
    held_out: int
    """Texts in `held_out.txt`."""
    unseen: int
    """Different training texts that are left out, since they also stand in a part to report or calibrate on."""

    def text(self) -> str:
        """The counts as a line to print."""
        return f"{self.train:,} texts, {self.held_out:,} held out; {self.unseen:,} left out, which are in another part"


def write_task_texts(
    tasks: Sequence[Task],
    output: str | os.PathLike[str],
    held_out: float = HELD_OUT,
    calibration_rows: int = 0,
    seed: int = 0,
) -> TaskTexts:
    """Writes `train.txt` and `held_out.txt`, one text a line, each text once.

    Args:
        tasks: whose training parts are read; a pair is two texts. A text that any task also has in its dev or test
            part is left out.
        output: the folder; made if it does not exist.
        held_out: share of the texts that go to `held_out.txt`, in (0, 1).
        calibration_rows: training rows of each task that are left out, since they are to calibrate its early answers:
            those that `TextDataset.split` holds out with this seed.
        seed: of both choices.

    Raises:
        ValueError: no task, too few texts, or a folder that cannot be written.
    """
    if not tasks:
        raise ValueError("name at least one task")
    if not 0 < held_out < 1:
        raise ValueError(f"held_out must be in (0, 1), but is {held_out}")
    learned: dict[str, None] = {}  # in the order of the rows
    unseen: set[str] = set()
    for task in tasks:
        rows, others = task.train, [part for name, part in task.parts.items() if name != "train"]
        if calibration_rows:
            rows, calibration = rows.split(calibration_rows, seed)
            others.append(calibration)
        learned |= dict.fromkeys(_texts(rows))
        unseen.update(text for part in others for text in _texts(part))
    texts = np.array([text for text in learned if text not in unseen], dtype=object)
    is_held_out = np.random.default_rng(seed).random(len(texts)) < held_out
    if is_held_out.all() or not is_held_out.any():
        raise ValueError(
            f"{len(texts)} texts are too few to hold {held_out:.0%} out; name more tasks or a larger share"
        )
    _write(Path(output), {TRAIN_FILE: texts[~is_held_out], HELD_OUT_FILE: texts[is_held_out]})
    return TaskTexts(int((~is_held_out).sum()), int(is_held_out.sum()), len(learned) - len(texts))


def _texts(rows: TextDataset) -> Iterator[str]:
    """The texts that are not blank, each in one line."""
    for column in (rows.texts, rows.text_pairs or ()):
        yield from filter(None, (" ".join(text.split()) for text in column))


def _write(folder: Path, files: dict[str, np.ndarray]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, texts in files.items():
            with file_swap(folder / name) as partial:
                partial.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    except OSError as error:
        raise ValueError(f"{folder} cannot be written ({error.strerror}); choose another folder") from error
