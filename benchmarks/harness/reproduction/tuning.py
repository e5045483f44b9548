"""Policies and their speeds, chosen on rows that were held out of training: nothing here ever sees another part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastbert_tf.calibration import (
    PATH,
    Candidate,
    Promise,
    candidate,
    choose,
    exit_costs,
    fit_layer_thresholds,
    row_losses,
)
from fastbert_tf.config import Config, FastBertConfig
from fastbert_tf.evaluation import BranchOutputs, executed_flops
from fastbert_tf.evaluation.bootstrap import CONFIDENCE
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


@dataclass(frozen=True)
class Choices:
    """Policies for one drop, and what they are compared with."""

    policies: list[Tuned]
    """The least work first."""
    rule: Tuned
    """The rule of the paper, chosen as if there were no other."""

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as plain JSON types."""
        return {"policies": [one.to_dict() for one in self.policies], "rule": self.rule.to_dict()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Choices:
        """Builds it from what `to_dict` returned."""
        return cls([Tuned.from_dict(one) for one in values["policies"]], Tuned.from_dict(values["rule"]))


def tune(outputs: BranchOutputs, config: FastBertConfig, drop: float, seed: int = 0) -> Choices:
    """Gives every policy the speed of least executed work whose share of lost rows is at most `drop` on these rows.

    Args:
        outputs: what all branches say about calibration rows.
        config: of the model.
        drop: in (0, 1).
        seed: of the choice of learning rows.
    """
    field = _Field.of(outputs, config, drop, seed)

    def cheapest(path: Candidate) -> int | None:
        allowed = np.flatnonzero(path.losses <= drop * field.rows)
        return int(allowed[path.costs[allowed].argmin()]) if len(allowed) else None

    return field.choices(cheapest, cheapest)


def certify(outputs: BranchOutputs, config: FastBertConfig, drop: float, seed: int = 0) -> Choices | None:
    """As `tune`, but the drop is promised with confidence for rows to come.

    All promises to the policies hold together with this confidence, so that of the best of them, too: they share the
    error evenly (Bonferroni). The paper's rule by itself shares it with nobody.

    Returns:
        As `tune`; None where the rows are too few.
    """
    field = _Field.of(outputs, config, drop, seed)
    try:
        Promise(drop, CONFIDENCE).check(field.rows, len(field.paths))
    except ValueError:
        return None

    def shown(confidence: float) -> Callable[[Candidate], int | None]:
        return lambda path: choose([path], field.rows, drop, confidence, field.full).place

    return field.choices(shown(1 - (1 - CONFIDENCE) / len(field.paths)), shown(CONFIDENCE))


@dataclass(frozen=True, eq=False)
class _Field:
    """Policies, and what each of their speeds loses and costs on the rows that choose."""

    policies: dict[str, ExitPolicy]
    paths: dict[str, Candidate]
    rows: int
    full: float
    """Mean cost of the full depth."""

    @classmethod
    def of(cls, outputs: BranchOutputs, config: FastBertConfig, drop: float, seed: int) -> _Field:
        order, learning = np.random.default_rng(seed).permutation(len(outputs)), round(LEARNING_SHARE * len(outputs))
        schedule, rest = ExitSchedule.every_layer(config.backbone.num_layers), outputs.take(order[learning:])
        losses, costs, full = _measures(rest, config, schedule)
        policies = _policies(outputs.take(order[:learning]), config, drop, schedule)
        paths = {
            name: candidate(doubts(policy, rest.probabilities, schedule), losses, costs)
            for name, policy in policies.items()
        }
        return cls(policies, paths, len(rest), full)

    def choices(self, place: Callable[[Candidate], int | None], of_rule: Callable[[Candidate], int | None]) -> Choices:
        """Chooses a place on the path of each policy; None, or a place that saves nothing, is the full depth."""
        tuned = [self._tuned(name, place(path)) for name, path in self.paths.items()]
        rule = self._tuned(SINGLE_THRESHOLD, of_rule(self.paths[SINGLE_THRESHOLD]))
        return Choices(sorted(tuned, key=lambda one: -one.saved), rule)

    def _tuned(self, name: str, place: int | None) -> Tuned:
        path, policy = self.paths[name], self.policies[name].to_dict()
        if place is None or path.costs[place] > self.full:
            return Tuned(name, policy, 0.0, 0, 0.0)
        return Tuned(
            name, policy, float(PATH[place]), int(path.losses[place]), 1 - float(path.costs[place]) / self.full
        )


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
