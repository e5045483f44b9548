"""Texts, or pairs of texts, with or without labels, in memory."""

import dataclasses
from collections.abc import Sequence, Sized

import numpy as np


@dataclasses.dataclass(frozen=True, init=False, eq=False, repr=False)
class TextDataset:
    """An immutable table of texts: the form in which every reader hands over its rows.

    Attributes:
        texts: one string a row; an empty string is a row like any other.
        text_pairs: the second text of each row of a pair task, or None.
        labels: read-only int32 array (rows,) of label ids, or None for unlabelled text.
        label_names: the name of each label id.
    """

    texts: tuple[str, ...]
    text_pairs: tuple[str, ...] | None
    labels: np.ndarray | None
    label_names: tuple[str, ...]

    def __init__(
        self,
        texts: Sequence[str],
        text_pairs: Sequence[str] | None = None,
        labels: Sequence[int] | np.ndarray | None = None,
        label_names: Sequence[str] = (),
    ) -> None:
        """Checks and keeps the rows.

        Args:
            texts: one string a row, at least one row.
            text_pairs: the second text of each row, or None.
            labels: one label id a row, in [0, number of label names), or None.
            label_names: the name of each label id; needed as soon as there are labels.

        Raises:
            ValueError: for no rows, lengths that differ, a text that is not a string of Unicode characters, or a
                label outside the class count.
        """
        names = checked_label_names(label_names)
        object.__setattr__(self, "texts", _checked_texts("texts", texts))
        object.__setattr__(self, "text_pairs", None if text_pairs is None else _checked_texts("text_pairs", text_pairs))
        object.__setattr__(self, "labels", None if labels is None else _checked_labels(labels, names))
        object.__setattr__(self, "label_names", names)
        if not self.texts:
            raise ValueError("a TextDataset needs at least one row, received no texts; check what the rows came from")
        self._check_length("text_pairs", self.text_pairs)
        self._check_length("labels", self.labels)

    def __repr__(self) -> str:
        kind = "text pairs" if self.is_pair else "texts"
        labels = "no labels" if self.labels is None else f"labels {', '.join(self.label_names)}"
        return f"TextDataset({len(self)} {kind}, {labels})"

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def is_pair(self) -> bool:
        """Whether each row has two texts."""
        return self.text_pairs is not None

    def take(self, indices: Sequence[int] | np.ndarray) -> "TextDataset":
        """Returns the rows with these numbers, in this order.

        Args:
            indices: row numbers, each in [0, len(self)); repeats are allowed.

        Raises:
            ValueError: for no row, or a number that is not a row of this data set.
        """
        rows = np.asarray(indices)
        if rows.ndim != 1 or not np.issubdtype(rows.dtype, np.integer):
            raise ValueError(
                f"indices must be a flat list of row numbers, received shape {rows.shape} of {rows.dtype}; "
                "turn a mask into numbers with np.flatnonzero"
            )
        wrong = rows[(rows < 0) | (rows >= len(self))]
        if wrong.size:
            raise ValueError(f"indices must lie in [0, {len(self)}), received {wrong[0]}; take rows of this data set")
        return TextDataset(
            texts=[self.texts[row] for row in rows],
            text_pairs=None if self.text_pairs is None else [self.text_pairs[row] for row in rows],
            labels=None if self.labels is None else self.labels[rows],
            label_names=self.label_names,
        )

    def split(self, count_or_fraction: int | float, seed: int) -> tuple["TextDataset", "TextDataset"]:
        """Holds rows out, for example for model selection; the choice depends on the seed and the row count alone.

        Args:
            count_or_fraction: how many rows to hold out (int, at least 1 and fewer than all), or which share of
                the rows (float in (0, 1), rounded, at least one row on each side).
            seed: non-negative seed of the choice.

        Returns:
            `(rest, held_out)`, each in this data set's own row order.

        Raises:
            ValueError: for a count or fraction that leaves one side empty.
        """
        count = self._held_out_count(count_or_fraction)
        permutation = np.random.default_rng(seed).permutation(len(self))
        return self.take(np.sort(permutation[count:])), self.take(np.sort(permutation[:count]))

    def _held_out_count(self, count_or_fraction: int | float) -> int:
        rows, value = len(self), count_or_fraction
        is_count = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if is_count and 0 < value < rows:
            return int(value)
        if isinstance(value, (float, np.floating)) and 0.0 < value < 1.0 and rows > 1:
            return min(max(round(rows * float(value)), 1), rows - 1)
        raise ValueError(
            f"a split of {rows} rows holds out a count in [1, {rows}) or a fraction in (0, 1), received {value!r}; "
            "leave at least one row on each side"
        )

    def _check_length(self, name: str, values: Sized | None) -> None:
        if values is not None and len(values) != len(self.texts):
            raise ValueError(
                f"{name} must have one entry a row, received {len(values)} for {len(self.texts)} texts; "
                "drop or add the rows that differ"
            )


def is_unicode(text: str) -> bool:
    """Whether the text holds no lone surrogate, which is half a character and has no UTF-8 form."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def checked_label_names(names: Sequence[str]) -> tuple[str, ...]:
    """Returns the names as a tuple after checking that they are distinct, non-empty strings."""
    if isinstance(names, str):
        raise ValueError(f"label_names must be a list of strings, received one string {names!r}; put it in a list")
    names = tuple(names)
    for position, name in enumerate(names):
        if not isinstance(name, str) or not name:
            raise ValueError(f"label_names[{position}] must be a non-empty string, received {name!r}; name every label")
        if name in names[:position]:
            raise ValueError(f"label_names must differ, received {name!r} twice; name every label once")
    return names


def _checked_texts(name: str, texts: Sequence[str]) -> tuple[str, ...]:
    if isinstance(texts, (str, bytes)):
        raise ValueError(f"{name} must be a list of strings, received one {type(texts).__name__}; put it in a list")
    texts = tuple(texts)
    for position, text in enumerate(texts):
        if not isinstance(text, str):
            raise ValueError(f"{name}[{position}] must be a str, received {type(text).__name__}; decode or convert it")
        if not is_unicode(text):
            raise ValueError(f"{name}[{position}] holds a lone surrogate (half a character); repair or drop that text")
    return texts


def _checked_labels(labels: Sequence[int] | np.ndarray, label_names: tuple[str, ...]) -> np.ndarray:
    if not label_names:
        raise ValueError("labels need label_names, received none; pass one name for each label id")
    ids = np.asarray(labels)
    if ids.ndim != 1 or not np.issubdtype(ids.dtype, np.integer):
        raise ValueError(
            f"labels must be a flat list of label ids, received shape {ids.shape} of {ids.dtype}; "
            "turn names into ids by their place in label_names"
        )
    wrong = np.flatnonzero((ids < 0) | (ids >= len(label_names)))
    if wrong.size:
        raise ValueError(
            f"labels[{wrong[0]}] is {ids[wrong[0]]}, outside the {len(label_names)} classes "
            f"({', '.join(label_names)}); correct the label or name the class"
        )
    ids = ids.astype(np.int32)
    ids.flags.writeable = False
    return ids
