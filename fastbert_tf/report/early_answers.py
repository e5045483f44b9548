"""What a run answers at one speed, row by row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastbert_tf.evaluation import BranchOutputs
from fastbert_tf.inference import ExitSchedule, doubts, exit_layers
from fastbert_tf.report.run import Run


@dataclass(frozen=True, eq=False)
class EarlyAnswers:
    """Adaptive inference, replayed."""

    speed: float
    """Exit threshold in [0, 1]."""
    outputs: BranchOutputs
    """Every branch's answers."""
    doubt: np.ndarray
    """In each of them, float (rows, layers)."""
    layer: np.ndarray
    """After which each row leaves, int (rows,), counted from 1."""

    @property
    def answers(self) -> np.ndarray:
        """Labels that rows leave with, int (rows,)."""
        return self.outputs.predictions[np.arange(len(self.layer)), self.layer - 1]

    @property
    def probability(self) -> np.ndarray:
        """Of these labels, float (rows,)."""
        return self.outputs.probabilities[np.arange(len(self.layer)), self.layer - 1].max(axis=1)

    @property
    def teacher(self) -> np.ndarray:
        """Labels that the plain encoder gives, int (rows,)."""
        return self.outputs.predictions[:, -1]

    @property
    def num_layers(self) -> int:
        """Layers of the model."""
        return self.outputs.probabilities.shape[1]


def early_answers(run: Run, speed: float) -> EarlyAnswers | None:
    """Replays a run's own policy; None where the answers of its branches are not stored."""
    if run.outputs is None:
        return None
    schedule = ExitSchedule.every_layer(run.outputs.probabilities.shape[1])
    doubt = doubts(run.policy, run.outputs.probabilities)
    return EarlyAnswers(speed, run.outputs, doubt, exit_layers(doubt, speed, schedule))
