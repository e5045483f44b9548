"""How often a certificate breaks its promise, over many draws of calibration rows from rows whose answers are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fastbert_tf.calibration import (
    P_VALUES,
    Candidate,
    SpeedSums,
    binomial_cdf,
    candidate,
    choose,
    exit_costs,
    fit_layer_thresholds,
    learn_dial,
    row_losses,
)
from fastbert_tf.config import FastBertConfig
from fastbert_tf.evaluation import BranchOutputs, executed_flops
from fastbert_tf.inference import (
    ExitPolicy,
    ExitSchedule,
    LayerThresholds,
    LearnedExit,
    NormalizedEntropy,
    doubts,
    fit_learned_exit,
)

LEARNED = (LayerThresholds.name, LearnedExit.name)
"""Policies that are learned anew on each draw."""
LEARNING_SHARE = 0.3
"""Of a draw, where they are; the other rows test them."""


@dataclass(frozen=True, eq=False)
class Pool:
    """Rows whose answers at every exit are known: the population that calibration rows are drawn from."""

    doubts: dict[str, np.ndarray]
    """By policy, float32 (rows, exits - 1)."""
    losses: np.ndarray
    """int (rows, exits)."""
    costs: np.ndarray
    """float (rows, exits)."""
    full_costs: np.ndarray
    """float (rows,), of the plain encoder."""
    outputs: BranchOutputs
    """What all branches say."""

    @classmethod
    def of(
        cls, outputs: BranchOutputs, config: FastBertConfig, policies: Mapping[str, ExitPolicy], labelled: bool = True
    ) -> Pool:
        """Replays the policies; without labels a row loses where answers differ."""
        schedule = ExitSchedule.every_layer(config.backbone.num_layers)
        return cls(
            {name: doubts(policy, outputs.probabilities, schedule) for name, policy in policies.items()},
            row_losses(outputs.predictions, outputs.labels if labelled else None),
            exit_costs(outputs, config, schedule),
            executed_flops(config, None, outputs.lengths).astype(float),
            outputs,
        )

    def __len__(self) -> int:
        return len(self.losses)

    def candidate(self, policy: str, rows: np.ndarray) -> Candidate:
        """Replays a policy along the path on some rows."""
        return candidate(self.doubts[policy][rows], self.losses[rows], self.costs[rows])

    def with_learned(self, name: str, rows: np.ndarray, bound: float) -> Pool:
        """Returns the pool with a policy of `LEARNED` learned on some rows."""
        outputs, layers = self.outputs, self.losses.shape[1]
        schedule = ExitSchedule.every_layer(layers)
        policy: ExitPolicy
        if name == LearnedExit.name:
            labels = None if outputs.labels is None else outputs.labels[rows]
            policy = fit_learned_exit(outputs.probabilities[rows], labels, schedule)
        else:
            base = NormalizedEntropy()
            entropy = self.doubts[base.name][rows]
            policy = fit_layer_thresholds(base, entropy, self.losses[rows], self.costs[rows], bound, layers, schedule)
        found = doubts(policy, outputs.probabilities, schedule)
        return replace(self, doubts={**self.doubts, name: found})


@dataclass(frozen=True)
class Drawing:
    """How calibration rows are drawn."""

    rows: int
    """Calibration rows."""
    draws: int = 1000
    """How often."""
    seed: int = 0
    """Of all draws."""
    disjoint: bool = False
    """Whether the promise is checked on the rows that were not drawn; else rows are drawn with replacement, and it is
    checked on the whole pool, whose risk is exactly known."""


def validity(
    pool: Pool, policies: Sequence[str], bound: float, confidence: float, drawing: Drawing, shifted: Pool | None = None
) -> dict[str, dict[str, float]]:
    """Draws, calibrates and checks.

    Args:
        pool: where calibration rows come from.
        policies: to choose from.
        bound: the promise.
        confidence: with which it is made.
        drawing: how rows are drawn.
        shifted: where the promise is checked instead: rows of another kind; for policies that are not learned.

    Returns:
        By test: `broken`, the share of draws whose risk is above the bound, and `refuted`, where the rows that it is
        checked on, taken as a sample, are too many above it for chance; `risk` and `speedup`, means over the draws;
        `full_depth`, the share of draws that certified no early answer.
    """
    random = np.random.default_rng(drawing.seed)
    learned = [policy for policy in policies if policy in LEARNED]
    everywhere = np.arange(len(shifted or pool))
    truth = {name: (shifted or pool).candidate(name, everywhere) for name in policies if name not in LEARNED}
    found: dict[str, list[tuple[float, float, bool, float]]] = {method: [] for method in P_VALUES}
    for _ in range(drawing.draws):
        rows, here = random.choice(len(pool), drawing.rows, replace=not drawing.disjoint), pool
        if learned:
            learning, rows = np.split(rows, [round(LEARNING_SHARE * len(rows))])
            for name in learned:
                here = here.with_learned(name, learning, bound)
                truth[name] = here.candidate(name, everywhere)
        if drawing.disjoint:
            left = np.delete(everywhere, rows)
            truth = {policy: here.candidate(policy, left) for policy in policies}
        candidates = [here.candidate(policy, rows) for policy in policies]
        full = float(pool.full_costs[rows].mean())
        for method, results in found.items():
            choice = choose(candidates, len(rows), bound, confidence, full, method)
            chosen, place = truth[policies[choice.candidate]], choice.place
            if place is None:
                results.append((0.0, 1.0, True, 1.0))
                continue
            lost, among = int(chosen.losses[place]), len(left) if drawing.disjoint else len(everywhere)
            chance = 1 - float(binomial_cdf(max(lost - 1, 0), among, bound)) if lost else 1.0
            results.append((lost / among, full / float(chosen.costs[place]), False, chance))
    return {method: _summary(np.array(results), bound, 1 - confidence) for method, results in found.items()}


def dial_errors(pool: Pool, policy: str, drawing: Drawing, shifted: Pool | None = None) -> dict[str, float]:
    """Learns a dial from each draw and compares what is asked for with what other rows get.

    Args:
        pool: where calibration rows come from, without replacement.
        policy: one without steps.
        drawing: how rows are drawn.
        shifted: where the dial is used instead of the rows that were not drawn.

    Returns:
        Of delivered over asked, less 1, over all draws and 20 speedups from the least to the most of each dial: `mean`
        and `worst`, without sign, and `within`, the share within 5 %; and `most`, the mean of the largest speedups.
    """
    random = np.random.default_rng(drawing.seed)
    errors, most = [], []
    for _ in range(drawing.draws):
        order = random.permutation(len(pool))
        rows, others = order[: drawing.rows], order[drawing.rows :]
        dial = learn_dial(pool.doubts[policy][rows], pool.costs[rows], float(pool.full_costs[rows].mean()))
        used, on = (pool, others) if shifted is None else (shifted, np.arange(len(shifted)))
        asked = np.linspace(dial.speedups[min(1, len(dial.speedups) - 1)], dial.most, 20)
        costs = SpeedSums(used.doubts[policy][on]).at(used.costs[on], dial.speed(asked))
        errors.append(used.full_costs[on].sum() / costs / asked - 1)
        most.append(dial.most)
    off = np.abs(errors)
    return {
        "mean": float(off.mean()),
        "worst": float(off.max()),
        "within": float((off <= 0.05).mean()),
        "most": float(np.mean(most)),
    }


def _summary(results: np.ndarray, bound: float, level: float) -> dict[str, float]:
    risks, speedups, full, chances = results.T
    return {
        "broken": float((risks > bound).mean()),
        "refuted": float((chances <= level).mean()),
        "risk": float(risks.mean()),
        "speedup": float(speedups.mean()),
        "full_depth": float(full.mean()),
    }
