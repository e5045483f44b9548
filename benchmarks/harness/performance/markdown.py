"""Tables of docs/performance.md."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any


def table(heads: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the first column is left-aligned, the others right."""
    lines = [" | ".join(heads), " | ".join([":--", *["--:"] * (len(heads) - 1)]), *(" | ".join(row) for row in body)]
    return "\n".join(f"| {line} |" for line in lines)


def unique(values: Iterable[Any]) -> list[Any]:
    """Distinct values in the order of their first appearance."""
    return list(dict.fromkeys(values))
