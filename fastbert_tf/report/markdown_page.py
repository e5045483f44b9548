"""A document in Markdown; its drawings are files beside it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fastbert_tf.evaluation.table import aligned_table
from fastbert_tf.report.document import Block, Document, Missing, Paragraph, Picture, Section, Table

FIGURE_FOLDER = "figures"
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$&])")


def markdown_page(document: Document) -> str:
    """Returns the document; drawings are `figures/NAME.svg`."""
    return "\n\n".join([f"# {_escaped(document.title)}", *_parts(document.sections, 2)]) + "\n"


def _parts(blocks: Sequence[Block], level: int) -> list[str]:
    return [part for block in blocks for part in _block(block, level)]


def _block(block: Block, level: int) -> list[str]:
    match block:
        case Section():
            return [f"{'#' * level} {_escaped(block.title)}", *_parts(block.blocks, level + 1)]
        case Paragraph():
            return [_escaped(block.text)]
        case Missing():
            return [f"> {_escaped(block.text)}" + (f"\n>\n> `{block.command}`" if block.command else "")]
        case Table():
            return [f"**{_escaped(block.caption)}**", _table(block)]
        case Picture():
            return [f"![{_escaped(block.caption)}]({FIGURE_FOLDER}/{block.name}.svg)"]


def _table(table: Table) -> str:
    rows = [tuple(map(_escaped, row)) for row in table.rows]
    return aligned_table(tuple(map(_escaped, table.header)), rows, left=table.words)


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
