"""What a row loses by leaving early."""

from __future__ import annotations

import numpy as np


def row_losses(predictions: np.ndarray, labels: np.ndarray | None) -> np.ndarray:
    """Counts a row as lost at an exit where the teacher, the last one, would have answered better.

    With labels: where the teacher is right and the exit wrong. The teacher's accuracy less that of the early answers is
    at most the share of such rows, since rows that only the early answer gets right make it smaller. Without labels:
    where the two answers differ, which is more, and bounds the drop in any metric that counts rows.

    Args:
        predictions: int (rows, exits), the class that each branch answers, the last one the teacher.
        labels: int (rows,), or None.

    Returns:
        int64 (rows, exits), 0 or 1; the last column is 0.
    """
    teacher = predictions[:, -1:]  # (rows, 1)
    if labels is None:
        return (predictions != teacher).astype(np.int64)
    truth = np.asarray(labels)[:, None]
    return ((teacher == truth) & (predictions != truth)).astype(np.int64)
