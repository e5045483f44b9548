"""A quantity that hangs on the exit, summed over rows at many speeds at once."""

from __future__ import annotations

import numpy as np


class SpeedSums:
    """Replays a policy at any number of speeds without walking over the rows again.

    A row has left by an exit where one of its doubts so far is below the speed; so as the speed rises it moves from
    exit to earlier exit, each time that the speed passes the least doubt so far. Sums over rows are step functions of
    the speed, known exactly from these places.

    Args:
        doubts: float (rows, exits - 1), a policy's doubt of every row at every exit but the last.
    """

    def __init__(self, doubts: np.ndarray) -> None:
        least = np.minimum.accumulate(doubts.astype(np.float32), axis=1)
        self._order = np.argsort(least, axis=None, kind="stable")
        self.places = least.ravel()[self._order]
        """float32 (rows * (exits - 1),), rising: the doubts that matter."""

    def at(self, values: np.ndarray, speeds: np.ndarray) -> np.ndarray:
        """Sums over rows.

        Args:
            values: (rows, exits), what a row has at each exit.
            speeds: float (speeds,), above 0: at speed 0 no row leaves, whatever its doubt.

        Returns:
            (speeds,), of the type of `values`.
        """
        steps = (values[:, :-1] - values[:, 1:]).ravel()[self._order]
        sums = np.concatenate([[0], np.cumsum(steps)]).astype(values.dtype) + values[:, -1].sum()
        return sums[np.searchsorted(self.places, speeds.astype(np.float32), side="left")]
