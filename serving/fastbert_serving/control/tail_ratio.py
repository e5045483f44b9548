"""How far the slowest answers are from the mean, learned from the answers themselves."""

from __future__ import annotations

import numpy as np

LEAST_TAIL = 2.0
"""Where all rows are alike: at worst an answer waits for a whole batch, then runs in the next."""
MOST_TAIL = 10.0
"""More comes from stalls, which no speed cures."""
FEWEST_ANSWERS = 200
"""With less than 2 beyond it, a percentile is chance."""
MOST_ANSWERS = 1000
MEMORY_SECONDS = 60.0
"""Answers are forgotten after this time, or when as many newer ones are there."""


class TailRatio:
    """99th percentile over mean of the time of an answer, as rows and calls of different size make it.

    Each time counts in relation to what a call of mean size took under the load of its moment. Without that, the
    first seconds of a surge would look like slow rows among fast ones.
    """

    def __init__(self) -> None:
        self.ratio = LEAST_TAIL
        self._answers = np.empty((0, 4))  # time of the end, work of others, own work, seconds

    def observe(self, now: float, answers: np.ndarray, fixed: float, slope: float) -> None:
        """Takes the calls that ended in a moment.

        Args:
            now: the time, in seconds.
            answers: work of others in flight when the call arrived, its own work, and the seconds that it took, all
                over the cost of its rows, shape (calls, 3).
            fixed: mean seconds of an answer to no work.
            slope: seconds that each work in flight adds.
        """
        new = np.column_stack([np.full(len(answers), now), answers])
        new[:, 1] = new[:, 1].mean()
        known = np.concatenate([self._answers, new])[-MOST_ANSWERS:]
        self._answers = known[known[:, 0] > now - MEMORY_SECONDS]
        self.ratio = LEAST_TAIL
        if slope and len(self._answers) >= FEWEST_ANSWERS:
            _, others, own, seconds = self._answers.T
            times = seconds / (fixed + slope * (others + own.mean()))
            self.ratio = float(np.clip(np.percentile(times, 99) / times.mean(), LEAST_TAIL, MOST_TAIL))
