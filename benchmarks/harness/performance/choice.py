"""The speed that one would choose: on held-out rows, never on those that are reported.

Held-out rows may be shorter than those that will come (half of SST-2's training rows are phrases), and short ones are
easy. So they are weighted to the lengths of the reported rows, whose labels nobody looks at, and the loss must stay
below the limit by one standard error.
"""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path

import numpy as np

from harness.peers.processes import EngineProcess
from harness.performance.names import MOST_LOSS, ROUNDING
from harness.performance.rows import StoredRows

SPEEDS = tuple(step / 20 for step in range(1, 20))
BATCH_SIZE = 32
_LENGTH_BINS = 6


def right_answers(engine: EngineProcess, rows: StoredRows, speed: float | None, work: Path) -> np.ndarray:
    """Returns which rows are answered as labelled, bool (rows,)."""
    said = engine.answers(rows.job(BATCH_SIZE, speed=speed), work / "answers.npz")
    return said["probabilities"].argmax(-1) == rows.labels


def answers(engine: EngineProcess, rows: StoredRows, speed: float | None, work: Path) -> dict[str, float]:
    """Returns `accuracy` and, of adaptive engines, `mean_exit_layer`, over all rows."""
    said = engine.answers(rows.job(BATCH_SIZE, speed=speed), work / "answers.npz")
    found = {"accuracy": float((said["probabilities"].argmax(-1) == rows.labels).mean())}
    return found | ({"mean_exit_layer": float(said["exit_layer"].mean())} if "exit_layer" in said else {})


def choose_speed(
    engine: EngineProcess, rows: StoredRows, teacher_right: np.ndarray, like: StoredRows, work: Path
) -> float:
    """Returns the highest speed up to which every loss is below `MOST_LOSS` by a standard error; 0 if none is.

    Args:
        engine: an adaptive engine.
        rows: held-out rows.
        teacher_right: which of them the teacher answers rightly in float32, bool (rows,).
        like: rows of the lengths that will come.
        work: folder for a file of answers.
    """
    weights = length_weights(rows.workload.lengths, like.workload.lengths)

    def fits(speed: float) -> bool:
        right = right_answers(engine, rows, speed, work)
        return loss_bound(teacher_right, right, weights) <= MOST_LOSS + ROUNDING

    return max(takewhile(fits, SPEEDS), default=0.0)


def loss_bound(teacher_right: np.ndarray, right: np.ndarray, weights: np.ndarray) -> float:
    """Returns the weighted loss of accuracy on the same rows, plus its standard error."""
    losses = teacher_right.astype(float) - right
    mean = (weights * losses).sum()
    return float(mean + np.sqrt((weights**2 * (losses - mean) ** 2).sum()))


def length_weights(lengths: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Returns weights (rows,), 1 in sum, with which rows of some lengths are spread over lengths as others are.

    Args:
        lengths: of the rows, int (rows,).
        like: lengths of the others; their sixths are the bins. A bin without rows is left out.
    """
    edges = np.quantile(like, np.linspace(0, 1, _LENGTH_BINS + 1)[1:-1])
    own, theirs = (np.bincount(np.digitize(x, edges), minlength=_LENGTH_BINS) for x in (lengths, like))
    weights = (theirs / np.maximum(own, 1))[np.digitize(lengths, edges)]
    return weights / weights.sum()
