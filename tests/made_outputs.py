"""Outputs of made-up rows, whose branches err as often as is said, and estimates written by hand."""

import numpy as np

from fastbert_tf.config import BackboneConfig, FastBertConfig
from fastbert_tf.evaluation import BranchOutputs

CONFIG = FastBertConfig(BackboneConfig(30, 3, 2, 8, 16), 2, branch_dim=4, branch_heads=2)


def estimate(value, low, high):
    return {"value": value, "low": low, "high": high}


def made_outputs(rows=2000, error=0.5, seed=0):
    """Early branches err with the chance that they give the other class, times `error`; the teacher is always right."""
    random = np.random.default_rng(seed)
    truth = np.random.default_rng(5).integers(0, 2, rows)
    sureness = 1 - 0.5 * random.random((rows, 3)) ** (2, 3, 9)
    errs = random.random((rows, 3)) < error * (1 - sureness) * (1, 1, 0)
    first = np.where((truth[:, None] == 0) ^ errs, sureness, 1 - sureness)
    return BranchOutputs(
        np.stack([first, 1 - first], -1).astype(np.float32), truth.astype(np.int32), np.full(rows, 9, np.int32)
    )
