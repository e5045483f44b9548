"""Differences between ways to answer the same rows, with intervals: rows are drawn anew, the same for both sides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from fastbert_tf.evaluation.bootstrap import DRAWS, SEED, percentile_interval

Estimate = dict[str, float]
"""`value`, `low` and `high`."""


@dataclass(frozen=True, eq=False)
class Ways:
    """Several ways to answer the same rows: speeds, depths or models."""

    right: np.ndarray
    """(rows, ways), whether the answer is right."""
    costs: np.ndarray
    """(rows, ways)."""

    def means(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns accuracies and costs, each (draws, ways), of weighted rows (draws, rows) whose weights sum to 1."""
        return weights @ self.right.astype(np.float64), weights @ self.costs.astype(np.float64)


def at_costs(accuracies: np.ndarray, costs: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Reads accuracies off curves at given costs, between their points; beyond them, the nearest point's.

    Args:
        accuracies: (draws, ways).
        costs: (draws, ways).
        wanted: (draws, wanted).

    Returns:
        (draws, wanted).
    """
    found = np.empty(wanted.shape)
    for draw, (accuracy, cost, asked) in enumerate(zip(accuracies, costs, wanted, strict=True)):
        order = np.argsort(cost, kind="stable")
        found[draw] = np.interp(asked, cost[order], accuracy[order])
    return found


def estimates(measure: Callable[[np.ndarray], np.ndarray], rows: int) -> list[Estimate]:
    """Measures on all rows and on draws of as many rows with replacement.

    Args:
        measure: takes weights (draws, rows), each draw's sum 1, and returns (draws, figures).
        rows: rows there are.

    Returns:
        One estimate a figure: its value on all rows, and its percentile interval.
    """
    values = measure(np.full((1, rows), 1 / rows))[0]
    low, high = percentile_interval(measure(_drawn(rows)))
    return [
        {"value": float(one), "low": float(least), "high": float(most)}
        for one, least, most in zip(values, low, high, strict=True)
    ]


@lru_cache(maxsize=1)  # a task is measured in a dozen ways, and drawing takes longer than any of them
def _drawn(rows: int) -> np.ndarray:
    """(draws, rows)."""
    weights = np.random.default_rng(SEED).multinomial(rows, np.full(rows, 1 / rows), DRAWS) / rows
    weights.flags.writeable = False
    return weights


def with_mean(figures: np.ndarray) -> np.ndarray:
    """Puts the mean of figures (draws, figures) behind them."""
    return np.concatenate([figures, figures.mean(axis=1, keepdims=True)], axis=1)
