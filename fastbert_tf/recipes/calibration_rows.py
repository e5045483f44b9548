"""Rows that are held out of training before it begins, for the certificate of its early answers."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np

from fastbert_tf.data import TextDataset, read_table
from fastbert_tf.files import file_swap

CALIBRATION_ROWS_FILE = "calibration_rows.jsonl"
"""In the folder of a run: texts, and labels by name."""


def hold_out(rows: TextDataset, count: int, seed: int) -> tuple[TextDataset, TextDataset | None]:
    """Splits rows before anything is decided with them.

    A training row whose text is that of a calibration row is dropped: the model would know it.

    Args:
        rows: all training rows.
        count: rows to hold out; 0 for none.
        seed: of the choice, at least 0.

    Returns:
        `(training rows, calibration rows)`.

    Raises:
        ValueError: the count is negative, or nothing is left to train on.
    """
    if count == 0:
        return rows, None
    try:
        rest, held_out = rows.split(count, seed)
    except ValueError as error:
        raise ValueError(f"calibration_rows: {error}") from error
    return without(rest, held_out), held_out


def write_calibration_rows(rows: TextDataset, run: str | os.PathLike[str]) -> None:
    """Writes labelled rows into the folder of a run.

    Raises:
        ValueError: the file cannot be written.
    """
    path = Path(run) / CALIBRATION_ROWS_FILE
    try:
        with file_swap(path) as unfinished:
            unfinished.write_text("".join(json.dumps(row) + "\n" for row in _records(rows)), encoding="utf-8")
    except OSError as error:
        raise ValueError(f"{path} cannot be written ({error.strerror}); make room there and call again") from error


def read_calibration_rows(model: str | os.PathLike[str], label_names: tuple[str, ...], is_pair: bool) -> TextDataset:
    """Reads the rows that were held out when a classifier was trained.

    Args:
        model: the classifier's folder, `RUN/classifier`.
        label_names: its labels.
        is_pair: whether it reads pairs.

    Raises:
        ValueError: none were held out, or the file is damaged.
    """
    path = Path(model).resolve().parent / CALIBRATION_ROWS_FILE
    if not path.exists():
        raise ValueError(
            f"no rows were held out when {model} was trained; train with --calibration_rows 5000, or give rows that it "
            "has never seen with --data"
        )
    return read_table(path, "text", "text_pair" if is_pair else None, "label", label_names)


def without(rows: TextDataset, others: TextDataset) -> TextDataset:
    """Returns the rows whose texts are not among others.

    Raises:
        ValueError: none is left.
    """
    known = set(_contents(others))
    kept = np.flatnonzero([content not in known for content in _contents(rows)])
    if not len(kept):
        raise ValueError("no row is left: the texts that are to be kept apart are the same ones; give other rows")
    return rows.take(kept)


def _contents(rows: TextDataset) -> list[tuple[str, ...]]:
    return list(zip(rows.texts, *([rows.text_pairs] if rows.text_pairs is not None else []), strict=True))


def _records(rows: TextDataset) -> list[dict[str, str]]:
    columns: dict[str, list[str] | tuple[str, ...]] = {"text": rows.texts}
    if rows.text_pairs is not None:
        columns["text_pair"] = rows.text_pairs
    if rows.labels is not None:
        columns["label"] = [rows.label_names[label] for label in rows.labels]
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
