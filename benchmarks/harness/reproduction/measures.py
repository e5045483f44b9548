"""What the claims are about, measured on the answers of all branches: differences with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastbert_tf.calibration import exit_costs
from fastbert_tf.config import FastBertConfig
from fastbert_tf.evaluation import BranchOutputs, UncertaintyProfile, executed_flops, paper_flops
from fastbert_tf.inference import ExitPolicy, ExitSchedule, NormalizedEntropy, doubts, exit_layers
from harness.reproduction.bootstrap import Estimate, Ways, at_costs, estimates, with_mean
from harness.reproduction.trend import falling_trend
from harness.reproduction.tuning import Choices, Tuned

SPEEDS = tuple(np.unique(np.concatenate([np.geomspace(1e-3, 1, 60), np.linspace(0.02, 1, 50)])).tolist())
"""Points of every curve; speed 0 is the full depth."""
SPEEDUPS = (2.0, 3.0, 4.0)
"""Equal speedups at which self-distillation is compared."""
LOSSLESS = (2.0, 3.0)
"""Speedups that the paper calls free."""


def adaptive(
    outputs: BranchOutputs,
    config: FastBertConfig,
    policy: ExitPolicy | None = None,
    speeds: Sequence[float] = SPEEDS,
    paper: bool = False,
) -> Ways:
    """Returns the full depth, and then a policy at each speed above 0; `paper` counts FLOPs as the paper does."""
    rows, layers, _ = outputs.probabilities.shape
    schedule = ExitSchedule.every_layer(layers)
    found = doubts(policy or NormalizedEntropy(), outputs.probabilities, schedule)
    exits = np.empty((rows, len(speeds)), np.int64)
    for place, speed in enumerate(speeds):
        exits[:, place] = exit_layers(found, speed, schedule) - 1
    full = np.full((rows, 1), layers - 1)
    costs = np.take_along_axis(_costs(outputs, config, paper), exits, 1)
    plain = paper_flops(config) if paper else executed_flops(config, None, outputs.lengths)
    plain_costs = np.broadcast_to(plain, rows).astype(np.float64)[:, None]
    return Ways(
        np.take_along_axis(_right(outputs), np.concatenate([full, exits], 1), 1),
        np.concatenate([plain_costs, costs], 1),
    )


def at_equal_speedup(first: BranchOutputs, second: BranchOutputs, config: FastBertConfig) -> dict[str, Estimate]:
    """Accuracy of one model less that of another of its shape, at equal speedup by executed FLOPs; and their `mean`."""
    sides = [adaptive(outputs, config) for outputs in (first, second)]

    def measure(weights: np.ndarray) -> np.ndarray:
        (ours, costs), (theirs, their_costs) = (side.means(weights) for side in sides)
        wanted = costs[:, :1] / np.array(SPEEDUPS)
        return with_mean(at_costs(ours, costs, wanted) - at_costs(theirs, their_costs, wanted))

    return dict(zip([*(f"{one:g}x" for one in SPEEDUPS), "mean"], estimates(measure, len(first)), strict=True))


def against_fixed_depth(outputs: BranchOutputs, config: FastBertConfig) -> dict[str, Estimate]:
    """Accuracy of adaptive inference less that of k layers, at the same cost; `mean` over the layers.

    Layers 2 to the last but one: at the first one both are the same. A fixed depth pays for its layers and one branch.
    """
    moving = adaptive(outputs, config)
    fixed = Ways(_right(outputs), _depth_costs(outputs, config))
    inner = slice(1, config.backbone.num_layers - 1)

    def measure(weights: np.ndarray) -> np.ndarray:
        (accuracy, costs), (depths, depth_costs) = moving.means(weights), fixed.means(weights)
        return with_mean(at_costs(accuracy, costs, depth_costs[:, inner]) - depths[:, inner])

    names = [f"layer {layer}" for layer in range(2, config.backbone.num_layers)]
    return dict(zip([*names, "mean"], estimates(measure, len(outputs)), strict=True))


def without_loss(outputs: BranchOutputs, config: FastBertConfig) -> dict[str, Estimate]:
    """Accuracy at 2 and 3 times fewer FLOPs, as the paper counts them, less that of the full depth."""
    moving = adaptive(outputs, config, paper=True)

    def measure(weights: np.ndarray) -> np.ndarray:
        accuracy, costs = moving.means(weights)
        return at_costs(accuracy, costs, costs[:, :1] / np.array(LOSSLESS)) - accuracy[:, :1]

    return dict(zip([f"{one:g}x" for one in LOSSLESS], estimates(measure, len(outputs)), strict=True))


def against_baseline(
    outputs: BranchOutputs, config: FastBertConfig, other: BranchOutputs, other_config: FastBertConfig
) -> dict[str, Any]:
    """Accuracy of adaptive inference less that of another model at full depth, at that model's cost."""
    moving, theirs = adaptive(outputs, config), adaptive(other, other_config, speeds=())

    def measure(weights: np.ndarray) -> np.ndarray:
        (accuracy, costs), (baseline, wanted) = moving.means(weights), theirs.means(weights)
        return np.concatenate([at_costs(accuracy, costs, wanted) - baseline, baseline, costs[:, :1] / wanted], axis=1)

    difference, accuracy, speedup = estimates(measure, len(outputs))
    return {"difference": difference, "accuracy": accuracy, "speedup": speedup["value"]}


def trends(profile: UncertaintyProfile) -> list[dict[str, float | None]]:
    """Tests every branch: is it right less often where it is less sure? Over equal intervals of uncertainty.

    `z` and `p` are None where there is nothing to test.
    """
    assert profile.correct is not None
    tested = [falling_trend(right, rows) for right, rows in zip(profile.correct, profile.all_rows, strict=True)]
    return [
        {"layer": layer, "z": None if one is None else one.z, "p": None if one is None else one.p, "rows": sum(rows)}
        for layer, (one, rows) in enumerate(zip(tested, profile.all_rows, strict=True), 1)
    ]


def accuracy_of(outputs: BranchOutputs) -> Estimate:
    """Accuracy of the last branch."""
    right = _right(outputs)[:, -1:].astype(np.float64)
    (found,) = estimates(lambda weights: weights @ right, len(outputs))
    return found


def policies(outputs: BranchOutputs, config: FastBertConfig, choices: Choices) -> dict[str, Any]:
    """Compares the policy that saved most on the calibration rows with the rule of the paper, both as set there.

    Returns:
        `policies`, each with `saved_on_test`, of the full depth's work, and `accuracy_change` from the full depth;
        `rule`, likewise, the paper's by itself; `best`, a name; and of `best`: `accuracy_difference` from the rule,
        `saved`, the share of that rule's executed work, and `saved_at_equal_accuracy`, the share of its work at the
        cheapest speed that reaches the accuracy of `best` on these very rows: no tuning could do better.
    """
    curve = adaptive(outputs, config)
    best = _tuned_way(outputs, config, choices.policies[0])
    rule = _tuned_way(outputs, config, choices.rule)

    def measure(weights: np.ndarray) -> np.ndarray:
        (ours, cost), (theirs, their_cost), (accuracy, costs) = (way.means(weights) for way in (best, rule, curve))
        good_enough = accuracy >= np.minimum(ours, accuracy.max(axis=1, keepdims=True)) - 1e-12
        matched = np.where(good_enough, costs, np.inf).min(axis=1, keepdims=True)
        return np.concatenate([ours - theirs, 1 - cost / their_cost, 1 - cost / matched], axis=1)

    def figures(tuned: Tuned) -> dict[str, Any]:
        way = _tuned_way(outputs, config, tuned)
        full = Ways(curve.right[:, :1], curve.costs[:, :1])

        def against_full(weights: np.ndarray) -> np.ndarray:
            (accuracy, cost), (reference, full_cost) = way.means(weights), full.means(weights)
            return np.concatenate([1 - cost / full_cost, accuracy - reference], axis=1)

        saved, change = estimates(against_full, len(outputs))
        return {**tuned.to_dict(), "saved_on_test": saved, "accuracy_change": change}

    difference, saved, matched = estimates(measure, len(outputs))
    return {
        "policies": [figures(one) for one in choices.policies],
        "rule": figures(choices.rule),
        "best": choices.policies[0].name,
        "accuracy_difference": difference,
        "saved": saved,
        "saved_at_equal_accuracy": matched,
    }


def _tuned_way(outputs: BranchOutputs, config: FastBertConfig, tuned: Tuned) -> Ways:
    if tuned.speed == 0:
        return adaptive(outputs, config, speeds=())
    ways = adaptive(outputs, config, ExitPolicy.from_dict(tuned.policy), [tuned.speed])
    return Ways(ways.right[:, 1:], ways.costs[:, 1:])


def _right(outputs: BranchOutputs) -> np.ndarray:
    """(rows, layers)."""
    assert outputs.labels is not None
    return outputs.predictions == outputs.labels[:, None]


def _costs(outputs: BranchOutputs, config: FastBertConfig, paper: bool) -> np.ndarray:
    """FLOPs of each row if it leaves at each layer, float64 (rows, layers)."""
    layers = config.backbone.num_layers
    if not paper:
        return exit_costs(outputs, config, ExitSchedule.every_layer(layers))
    return np.broadcast_to(paper_flops(config, np.arange(1, layers + 1)), (len(outputs), layers)).astype(np.float64)


def _depth_costs(outputs: BranchOutputs, config: FastBertConfig) -> np.ndarray:
    """Executed FLOPs of each row if all leave at a layer, whose branch alone is on: float64 (rows, layers)."""
    depths = range(1, config.backbone.num_layers + 1)
    costs = [executed_flops(config, depth, outputs.lengths, exits=[depth]) for depth in depths]
    return np.stack(costs, axis=1).astype(np.float64)
