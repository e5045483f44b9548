"""What adaptive inference makes of a classifier that is still in training (FastBERT, figure 7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fastbert_tf.checkpoints import SavedClassifier
from fastbert_tf.data import BatchPipeline, TextDataset
from fastbert_tf.evaluation import predict_branches, speed_curve
from fastbert_tf.evaluation.speed_curve import check_speeds
from fastbert_tf.inference import FloatStack, NormalizedEntropy

MOST_ROWS = 2000
"""Rows that are looked at, at most."""


@dataclass(frozen=True, eq=False)
class EpochObserver:
    """Accuracy and cost at one speed; changes nothing.

    Raises:
        ValueError: the speed is outside [0, 1].
    """

    rows: TextDataset
    """Labelled rows; at most `MOST_ROWS`, drawn with a fixed seed, are answered."""
    speed: float
    """Exit threshold on the normalised entropy."""

    def __post_init__(self) -> None:
        check_speeds([self.speed])

    def __call__(self, classifier: SavedClassifier) -> dict[str, Any]:
        """Returns `observed`: `rows`, `speed`, `accuracy`, `full_depth_accuracy`, and mean FLOPs by both counts."""
        rows = self.rows.take(np.sort(np.random.default_rng(0).permutation(len(self.rows))[:MOST_ROWS]))
        outputs = predict_branches(FloatStack(classifier.model), BatchPipeline(rows, classifier.tokenizer).ordered())
        curve = speed_curve(outputs, NormalizedEntropy(), classifier.model.config, speeds=[self.speed])
        (point,) = curve.points
        return {
            "observed": {
                "rows": len(outputs),
                "speed": self.speed,
                "accuracy": point.metrics["accuracy"],
                "full_depth_accuracy": curve.full_depth.metrics["accuracy"],
                "paper_flops": point.paper_flops,
                "executed_flops": point.executed_flops,
            }
        }
