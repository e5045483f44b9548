"""The order of rows in an epoch: shuffled, but rows of like length side by side."""

from __future__ import annotations

import numpy as np

_POOL_BATCHES = 100  # batches whose rows are sorted by length together


def shuffled_rows(lengths: np.ndarray, batch_size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Shuffles rows, sorts them by length inside pools of 100 batches, and shuffles the batches.

    Args:
        lengths: int (rows,), tokens of each row.
        batch_size: rows of a full batch.
        seed: non-negative seed; the order depends on it, the lengths and the batch size alone.

    Returns:
        `(order, starts)`: int64 (rows,) row numbers, and int64 (batches,), where in them each batch begins.
    """
    generator = np.random.default_rng(seed)
    pool = _POOL_BATCHES * batch_size
    order = generator.permutation(len(lengths))
    for start in range(0, len(order), pool):
        rows = order[start : start + pool]
        order[start : start + pool] = rows[np.argsort(lengths[rows], kind="stable")]
    return order, generator.permutation(-(-len(lengths) // batch_size)) * batch_size
