"""Policies and their speeds, chosen on rows that were held out of training: nothing here ever sees another part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fastbert_tf.calibration import PATH, Promise, candidate, choose, exit_costs, fit_layer_thresholds, row_losses
from fastbert_tf.config import Config, FastBertConfig
from fastbert_tf.evaluation import BranchOutputs, executed_flops
from fastbert_tf.inference import (
    ExitPolicy,
    ExitSchedule,
    LayerThresholds,
    LearnedExit,
    NormalizedEntropy,
    doubts,
    fit_learned_exit,
    policy_class,
    policy_names,
)
from harness.reproduction.settings import CONFIDENCE

LEARNING_SHARE = 0.3
"""Of the rows, for policies that are learned; all speeds are chosen on the others."""
SINGLE_THRESHOLD = NormalizedEntropy.name
"""The rule of the paper."""


@dataclass(frozen=True)
class Tuned(Config):
    """A policy and its speed."""

    name: str
    policy: dict[str, Any]
    """As `ExitPolicy.to_dict` describes it."""
    speed: float
    """In [0, 1]; 0 where no speed keeps to the drop."""
    losses: int
    """Rows lost on the tuning rows."""
    saved: float
    """Share of the full depth's executed work saved there."""


def tune(outputs: BranchOutputs, config: FastBertConfig, drop: float, seed: int = 0) -> list[Tuned]:
    """Gives every policy the speed of least executed work whose share of lost rows is at most `drop` on these rows.

    Args:
        outputs: what all branches say about calibration rows.
        config: of the model.
        drop: in (0, 1).
        seed: of the choice of learning rows.

    Returns:
        One entry a policy, the least work first.
    """
    learning, rest, schedule = _parts(outputs, config, seed)
    losses, costs, full = _measures(rest, config, schedule)
    tuned = []
    for name, policy in _policies(learning, config, drop, schedule).items():
        path = candidate(doubts(policy, rest.probabilities, schedule), losses, costs)
        allowed = np.flatnonzero(path.losses <= drop * len(rest))
        best = None if not len(allowed) else int(allowed[path.costs[allowed].argmin()])
        speed, lost, cost = (0.0, 0, full) if best is None else (PATH[best], path.losses[best], path.costs[best])
        if cost > full:
            speed, lost, cost = 0.0, 0, full
        tuned.append(Tuned(name, policy.to_dict(), float(speed), int(lost), float(1 - cost / full)))
    return sorted(tuned, key=lambda one: -one.saved)


def certify(outputs: BranchOutputs, config: FastBertConfig, drop: float, seed: int = 0) -> list[Tuned]:
    """As `tune`, but the drop is promised with confidence for rows to come; each policy is tested by itself.

    Returns:
        As `tune`; nothing where the rows are too few.
    """
    learning, rest, schedule = _parts(outputs, config, seed)
    try:
        Promise(drop, CONFIDENCE).check(len(rest))
    except ValueError:
        return []
    losses, costs, full = _measures(rest, config, schedule)
    found = []
    for name, policy in _policies(learning, config, drop, schedule).items():
        path = candidate(doubts(policy, rest.probabilities, schedule), losses, costs)
        place = choose([path], len(rest), drop, CONFIDENCE, full).place
        speed, lost, cost = (0.0, 0, full) if place is None else (PATH[place], path.losses[place], path.costs[place])
        found.append(Tuned(name, policy.to_dict(), float(speed), int(lost), float(1 - cost / full)))
    return sorted(found, key=lambda one: -one.saved)


def _parts(
    outputs: BranchOutputs, config: FastBertConfig, seed: int
) -> tuple[BranchOutputs, BranchOutputs, ExitSchedule]:
    order = np.random.default_rng(seed).permutation(len(outputs))
    learning = round(LEARNING_SHARE * len(outputs))
    schedule = ExitSchedule.every_layer(config.backbone.num_layers)
    return outputs.take(order[:learning]), outputs.take(order[learning:]), schedule


def _measures(
    outputs: BranchOutputs, config: FastBertConfig, schedule: ExitSchedule
) -> tuple[np.ndarray, np.ndarray, float]:
    """Losses and costs, each (rows, exits), and the mean cost of the full depth."""
    full = float(executed_flops(config, None, outputs.lengths).mean())
    return row_losses(outputs.predictions, outputs.labels), exit_costs(outputs, config, schedule), full


def _policies(
    learning: BranchOutputs, config: FastBertConfig, drop: float, schedule: ExitSchedule
) -> dict[str, ExitPolicy]:
    """Every registered policy by name; what can be learned is learned, and thresholds are put on both doubts."""
    layers = config.backbone.num_layers
    learned = fit_learned_exit(learning.probabilities, learning.labels, schedule)
    losses, costs, _ = _measures(learning, config, schedule)

    def thresholds(policy: ExitPolicy) -> ExitPolicy:
        found = doubts(policy, learning.probabilities, schedule)
        return fit_layer_thresholds(policy, found, losses, costs, drop, layers, schedule)

    made = {LearnedExit.name: learned, LayerThresholds.name: thresholds(NormalizedEntropy())}
    known = {name: made.get(name) or policy_class(name).default(layers) for name in policy_names()}
    return {**known, f"{LayerThresholds.name} of {LearnedExit.name}": thresholds(learned)}
