"""What a page can say, whatever it is written in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    text: str
    """Plain; a writer escapes it."""


@dataclass(frozen=True)
class Missing:
    """What the runs do not hold, and how to get it."""

    text: str
    """A sentence."""
    command: str = ""
    """A command line that makes it; empty where there is none."""


@dataclass(frozen=True)
class Table:
    """Figures, or words, in rows."""

    caption: str
    """What it shows."""
    header: tuple[str, ...]
    """A name a column."""
    rows: tuple[tuple[str, ...], ...]
    """Plain cells, as many a row as the header has."""
    words: tuple[int, ...] = (0,)
    """Columns that hold words: aligned to the left; the others to the right."""

    def __post_init__(self) -> None:
        wrong = [row for row in self.rows if len(row) != len(self.header)]
        if wrong:
            raise ValueError(f"a row of {self.caption!r} must have {len(self.header)} cells, but is {wrong[0]}")


@dataclass(frozen=True)
class Picture:
    """A drawing."""

    name: str
    """Of its file; unique in the document, letters, digits, `_` and `-`."""
    svg: str
    """An `svg` element."""
    caption: str
    """What it shows."""


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it."""

    title: str
    """The heading."""
    blocks: tuple[Block, ...]
    """In the order of reading."""

    @classmethod
    def of(cls, title: str, *blocks: Block | Sequence[Block] | None) -> Section:
        """Joins blocks and lists of blocks; leaves None out."""
        flat: list[Block] = []
        for block in blocks:
            if block is not None:
                flat.extend(block if isinstance(block, (list, tuple)) else [block])  # type: ignore[list-item]
        return cls(title, tuple(flat))


Block = Paragraph | Missing | Table | Picture | Section


@dataclass(frozen=True)
class Document:
    """A page."""

    title: str
    """The heading above all."""
    sections: tuple[Section, ...]
    """Its parts."""


def pictures(blocks: Sequence[Block]) -> list[Picture]:
    """Returns all drawings, in the order of reading."""
    found: list[Picture] = []
    for block in blocks:
        if isinstance(block, Picture):
            found.append(block)
        elif isinstance(block, Section):
            found += pictures(block.blocks)
    return found
