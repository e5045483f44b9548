"""Does accuracy fall as uncertainty rises? The Cochran-Armitage test for a trend in proportions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Trend:
    """A tested trend."""

    z: float
    """Standard normal under no trend; above 0 where the share falls as the score rises."""
    p: float
    """Chance of such a fall, or a steeper one, where there is none: one-sided."""
    rows: int
    """Rows that it was tested on."""


def falling_trend(
    successes: Sequence[int], totals: Sequence[int], scores: Sequence[float] | None = None
) -> Trend | None:
    """Tests whether the share of successes falls along ordered groups (Cochran, 1954; Armitage, 1955).

    Args:
        successes: of each group.
        totals: rows of each group; empty groups say nothing.
        scores: of the groups; None numbers them.

    Returns:
        The trend; None where all rows are alike or lie in one group, so that there is nothing to test.

    Raises:
        ValueError: lengths differ, or a group has more successes than rows.
    """
    right, rows = np.asarray(successes, np.float64), np.asarray(totals, np.float64)
    places = np.arange(len(rows), dtype=np.float64) if scores is None else np.asarray(scores, np.float64)
    if not right.shape == rows.shape == places.shape or (right > rows).any() or (right < 0).any():
        raise ValueError(f"each group needs a score and at most as many successes as rows: {successes}, {totals}")
    count = rows.sum()
    share = right.sum() / count if count else 0.0
    spread = (rows * places**2).sum() - (rows * places).sum() ** 2 / count if count else 0.0
    variance = share * (1 - share) * spread
    if variance <= 0:
        return None
    z = -float((places * (right - rows * share)).sum() / math.sqrt(variance))
    return Trend(z, 0.5 * math.erfc(z / math.sqrt(2)), int(count))
