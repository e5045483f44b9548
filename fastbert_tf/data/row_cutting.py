"""Where paragraphs are cut into rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np


def cut_rows(sizes: np.ndarray, paragraphs: np.ndarray, limit: int) -> tuple[np.ndarray, np.ndarray]:
    """Cuts paragraphs between words into as few rows of about the same length as fit.

    Args:
        sizes: int (words,), pieces of each word, at least 1.
        paragraphs: int (words,), the paragraph of each word, rising.
        limit: most pieces of a row, at least 1; a word of more is left out.

    Returns:
        `(first, last)`, each int64 (rows,): row i is the words from `first[i]` up to, without, `last[i]`.
    """
    before = np.concatenate([[0], np.cumsum(sizes)])  # (words + 1,), pieces before each word
    starts = np.flatnonzero(np.diff(paragraphs, prepend=-1))
    ends = np.append(starts, len(sizes))[1:]
    fits = before[ends] - before[starts] <= limit
    rows = [np.stack([starts[fits], ends[fits]])]  # whole paragraphs
    for start, end in zip(starts[~fits], ends[~fits], strict=True):
        rows.append(np.array(list(_cut(before, int(start), int(end), limit)), np.int64).reshape(-1, 2).T)
    first, last = np.concatenate(rows, axis=1)
    order = np.argsort(first, kind="stable")
    return first[order], last[order]


def _cut(before: np.ndarray, start: int, end: int, limit: int) -> Iterator[tuple[int, int]]:
    """Cuts one paragraph.

    Rows of at least an even share each are no more than needed; a row exceeds its share by less than one word.
    """
    total = before[end] - before[start]
    share = -(-total // -(-total // limit))
    limit_here = min(limit, share + int(np.diff(before[start : end + 1]).max()) - 1)
    while start < end:
        stop = min(end, int(np.searchsorted(before, before[start] + limit_here, side="right")) - 1)
        if stop == start:  # a word longer than a row
            start += 1
            continue
        yield start, stop
        start = stop
