"""Matrix products that the packed graph executes for a row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastbert_tf.config import FastBertConfig
from fastbert_tf.evaluation import executed_breakdown


def packed_flops(
    config: FastBertConfig, lengths: np.ndarray, exit_layer: np.ndarray | None = None, exits: Sequence[int] = ()
) -> int:
    """Counts FLOPs of real tokens alone, with folded branches, over all rows.

    Args:
        config: the model's shape.
        lengths: real tokens, int (rows,).
        exit_layer: layer after which each row left, int (rows,), counted from 1; None is the plain encoder.
        exits: layers whose branch is on.
    """
    parts = executed_breakdown(config, lengths, folded_branch=True)
    branch = parts.pop("branch")
    layer = sum(parts.values())
    layers = config.backbone.num_layers if exit_layer is None else exit_layer
    asked = 1 if exit_layer is None else np.searchsorted(exits, exit_layer, side="right")
    return int((layers * layer + asked * branch).sum())
