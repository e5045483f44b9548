"""The texts of an evaluation, beside what the branches said about them: on demand, for examples in a report."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from fastbert_tf.config import Config
from fastbert_tf.files import file_swap

TEXTS_FILE = "texts.json"


@dataclass(frozen=True)
class RowTexts(Config):
    """Texts in the order of the branch outputs.

    Raises:
        ValueError: there are fewer second texts than first ones, or more.
    """

    texts: tuple[str, ...]
    """One a row."""
    text_pairs: tuple[str, ...] | None
    """Second texts; None for single texts."""
    label_names: tuple[str, ...]
    """Names of the labels by id."""

    def __post_init__(self) -> None:
        for name in ("texts", "text_pairs", "label_names"):
            value = getattr(self, name)
            object.__setattr__(self, name, None if value is None else tuple(value))
        if self.text_pairs is not None and len(self.text_pairs) != len(self.texts):
            raise ValueError(f"{len(self.texts)} texts need as many second texts, but there are {len(self.text_pairs)}")

    def row(self, number: int) -> str:
        """Returns the text of a row; a pair has a bar between its texts."""
        return self.texts[number] if self.text_pairs is None else f"{self.texts[number]} | {self.text_pairs[number]}"


def write_texts(texts: RowTexts, directory: str | os.PathLike[str], model: str) -> None:
    """Writes `texts.json`.

    Args:
        texts: of all rows.
        directory: an existing directory.
        model: tells the graph that answered from others, as the report does.

    Raises:
        ValueError: the directory cannot be written.
    """
    path = Path(directory) / TEXTS_FILE
    try:
        with file_swap(path) as unfinished:
            content = json.dumps({"model": model, **texts.to_dict()}, indent=0, ensure_ascii=False)
            unfinished.write_text(content + "\n", encoding="utf-8")
    except OSError as error:
        raise ValueError(
            f"{path} cannot be written ({error.strerror or error}); make room there or choose another directory"
        ) from error


def drop_texts(directory: str | os.PathLike[str]) -> None:
    """Removes texts that an earlier evaluation has left there: they are of other rows."""
    (Path(directory) / TEXTS_FILE).unlink(missing_ok=True)


def read_texts(directory: str | os.PathLike[str], model: str, rows: int) -> RowTexts | None:
    """Reads what `write_texts` wrote.

    Args:
        directory: the evaluation's directory.
        model: the graph that must have answered.
        rows: how many there must be.

    Returns:
        The texts; None where none were stored, or those of another evaluation.

    Raises:
        ValueError: the file is damaged.
    """
    path = Path(directory) / TEXTS_FILE
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values.pop("model") != model:
            return None
        texts = RowTexts.from_dict(values)
    except FileNotFoundError:
        return None
    except (OSError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is damaged ({error}); evaluate again") from error
    return texts if len(texts.texts) == rows else None
