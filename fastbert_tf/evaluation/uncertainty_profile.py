"""Where the branches' uncertainty lies and how often they are right at it, as histograms."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from keras import ops

from fastbert_tf.evaluation.branch_outputs import BranchOutputs
from fastbert_tf.evaluation.record import Record
from fastbert_tf.evaluation.speed_curve import check_speeds
from fastbert_tf.inference import ExitPolicy, ExitSchedule, doubts, exit_layers, normalized_entropy

Histograms = tuple[tuple[int, ...], ...]

PAPER_SPEEDS = (0.0, 0.3, 0.5, 0.8)
"""Speeds of figures 5 and 6."""
NUM_BINS = 20
"""Intervals of equal width on [0, 1]; the last includes 1."""


@dataclass(frozen=True)
class UncertaintyProfile(Record):
    """Histograms over `NUM_BINS` equal intervals of normalised entropy; rows are layers, columns intervals."""

    all_rows: Histograms
    """Every row at every layer (layers, intervals)."""
    correct: Histograms | None
    """Those of `all_rows` that the layer's branch gets right (layers, intervals); None for unlabelled rows."""
    speeds: tuple[float, ...]
    """Speeds of `reaching`, rising."""
    reaching: tuple[Histograms, ...]
    """For each speed, the rows that get as far as the layer (speeds, layers, intervals)."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "all_rows", _frozen(self.all_rows))
        object.__setattr__(self, "correct", None if self.correct is None else _frozen(self.correct))
        object.__setattr__(self, "speeds", tuple(self.speeds))
        object.__setattr__(self, "reaching", tuple(_frozen(histograms) for histograms in self.reaching))


def uncertainty_profile(
    outputs: BranchOutputs, policy: ExitPolicy, speeds: Iterable[float] = PAPER_SPEEDS
) -> UncertaintyProfile:
    """Counts rows by layer and uncertainty (FastBERT, figures 4 and 6).

    Args:
        outputs: all branches' answers.
        policy: the exit rule that decides which rows reach a layer.
        speeds: thresholds in [0, 1].

    Returns:
        The histograms.

    Raises:
        ValueError: a speed is outside [0, 1] or NaN.
    """
    speeds = check_speeds(speeds)
    layers = outputs.probabilities.shape[1]
    uncertainty = ops.convert_to_numpy(normalized_entropy(outputs.probabilities))  # (rows, layers)
    found, schedule = doubts(policy, outputs.probabilities), ExitSchedule.every_layer(layers)
    leaving = [exit_layers(found, speed, schedule)[:, None] for speed in speeds]  # each (rows, 1)
    everywhere = np.ones_like(uncertainty, bool)  # (rows, layers)
    correct = None
    if outputs.labels is not None:
        correct = _histograms(uncertainty, outputs.predictions == outputs.labels[:, None])
    return UncertaintyProfile(
        all_rows=_histograms(uncertainty, everywhere),
        correct=correct,
        speeds=speeds,
        reaching=tuple(_histograms(uncertainty, exit_layer > np.arange(layers)) for exit_layer in leaving),
    )


def _histograms(uncertainty: np.ndarray, chosen: np.ndarray) -> Histograms:
    """Counts the chosen (rows, layers) entries by layer and interval."""
    interval = np.minimum((uncertainty * NUM_BINS).astype(int), NUM_BINS - 1)
    counts = [
        np.bincount(interval[chosen[:, layer], layer], minlength=NUM_BINS) for layer in range(uncertainty.shape[1])
    ]
    return _frozen(np.stack(counts).tolist())


def _frozen(histograms: Iterable[Iterable[int]]) -> Histograms:
    return tuple(tuple(counts) for counts in histograms)
