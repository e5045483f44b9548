"""Every exit policy on the same rows."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from fastbert_tf.config import FastBertConfig
from fastbert_tf.evaluation.branch_outputs import BranchOutputs
from fastbert_tf.evaluation.speed_curve import SpeedCurve, speed_curve
from fastbert_tf.inference import ExitPolicy, LearnedExit, fit_learned_exit, policy_class, policy_names

COMPARED_SPEEDS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)
"""Rather low ones: some policies are bold."""
_SEED = 0  # of the halves


def compare_policies(
    outputs: BranchOutputs, config: FastBertConfig, speeds: Iterable[float] = COMPARED_SPEEDS, draws: int = 0
) -> dict[str, SpeedCurve]:
    """Replays every registered policy, with its defaults, on one half of the rows.

    The learned exit is fitted to the other half; the halves are drawn with a fixed seed.

    Args:
        outputs: all branches' answers; labelled.
        config: the model's shape.
        speeds: thresholds in [0, 1].
        draws: resamplings behind each interval, or 0.

    Returns:
        Curves of accuracy by the policy's name.

    Raises:
        ValueError: the rows have no labels, or are fewer than 2.
    """
    if outputs.labels is None or len(outputs) < 2:
        raise ValueError("policies are compared on labelled rows, at least 2 of them; evaluate such rows")
    order = np.random.default_rng(_SEED).permutation(len(outputs))
    fitted_on, reported = (outputs.take(half) for half in (order[: len(order) // 2], order[len(order) // 2 :]))
    speeds = tuple(speeds)
    return {
        name: speed_curve(reported, policy, config, ("accuracy",), speeds, draws=draws)
        for name, policy in _policies(fitted_on).items()
    }


def _policies(fitted_on: BranchOutputs) -> dict[str, ExitPolicy]:
    learned = fit_learned_exit(fitted_on.probabilities, fitted_on.labels)
    layers = fitted_on.probabilities.shape[1]
    kinds = ((name, policy_class(name)) for name in policy_names())
    return {name: learned if kind is LearnedExit else kind.default(layers) for name, kind in kinds}
