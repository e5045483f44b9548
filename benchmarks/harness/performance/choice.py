"""The speed that one would choose: on held-out rows, never on those that are reported."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from harness.peers.processes import EngineProcess
from harness.performance.rows import StoredRows

SPEEDS = tuple(step / 20 for step in range(1, 20))
HIGHEST_LOSS = 0.005
"""Accuracy that exits (and int8) may cost, against the float32 teacher."""
BATCH_SIZE = 32


def answers(engine: EngineProcess, rows: StoredRows, speed: float | None, work: Path) -> dict[str, float]:
    """Returns `accuracy` and, of adaptive engines, `mean_exit_layer`, over all rows."""
    said = engine.answers(rows.job(BATCH_SIZE, speed=speed), work / "answers.npz")
    found = {"accuracy": float((said["probabilities"].argmax(-1) == rows.labels).mean())}
    return found | ({"mean_exit_layer": float(said["exit_layer"].mean())} if "exit_layer" in said else {})


def choose_speed(engine: EngineProcess, rows: StoredRows, teacher_accuracy: float, work: Path) -> float:
    """Returns the highest speed that is at most `HIGHEST_LOSS` below the teacher; 0, full depth, where none is.

    Args:
        engine: an adaptive engine.
        rows: held-out rows.
        teacher_accuracy: of the teacher in float32 on the same rows, in [0, 1].
        work: folder for a file of answers.
    """
    lowest = teacher_accuracy - HIGHEST_LOSS - 1e-9  # half a point itself is allowed, whatever its binary fraction
    fit = [speed for speed in SPEEDS if answers(engine, rows, speed, work)["accuracy"] >= lowest]
    return float(np.max(fit, initial=0.0))
