"""Learns a threshold for every layer on rows that are not certified with."""

from __future__ import annotations

import numpy as np

from fastbert_tf.inference import ExitPolicy, ExitSchedule, LayerThresholds

_PLACES = 40  # thresholds to choose from at each exit
_ROUNDS = 3  # over all exits; the last ones change little
_HALVINGS = 14  # of the price of a loss


def fit_layer_thresholds(
    policy: ExitPolicy,
    doubts: np.ndarray,
    losses: np.ndarray,
    costs: np.ndarray,
    bound: float,
    num_layers: int,
    schedule: ExitSchedule,
) -> LayerThresholds:
    """Chooses the thresholds of the least mean cost whose mean loss on these rows is at most `bound`.

    For a price of a loss, exits take turns: each gets the threshold, among quantiles of its doubts, at which cost and
    priced losses of all rows are least. The lowest price that keeps to the bound is found by halving. Turning the speed
    of the policy up and down from 0.5 then makes use of what the bound leaves, or gives back what new rows ask for.

    Args:
        policy: what doubts.
        doubts: its doubts, float (rows, exits - 1).
        losses: int (rows, exits).
        costs: float (rows, exits).
        bound: of the share of lost rows, in (0, 1).
        num_layers: of the model.
        schedule: the branches that are asked.
    """
    relative = costs / costs[:, -1].mean()
    low, high, best = 0.0, 1e4, np.zeros(doubts.shape[1])
    for _ in range(_HALVINGS):
        price = np.sqrt((low + 1e-2) * high)
        thresholds = _thresholds(doubts, relative + price * losses)
        exits = _exits(doubts, thresholds)
        if losses[np.arange(len(losses)), exits].mean() <= bound:
            high, best = price, thresholds
        else:
            low = price
    every = np.zeros(num_layers - 1)
    every[np.array(schedule.exits[:-1], int) - 1] = best
    return LayerThresholds(policy, tuple(every.tolist()))


def _thresholds(doubts: np.ndarray, prices: np.ndarray) -> np.ndarray:
    """Returns the thresholds (exits - 1,) that make prices (rows, exits) least, exit by exit."""
    count = doubts.shape[1]
    choices = [_choices(doubts[:, exit]) for exit in range(count)]
    thresholds = np.zeros(count)
    for _ in range(_ROUNDS):
        for exit in reversed(range(count)):
            thresholds[exit] = _best(doubts, prices, thresholds, exit, choices[exit])
    return thresholds


def _choices(doubts: np.ndarray) -> np.ndarray:
    """Returns 0, at which no row leaves, and quantiles of the doubts, finer at the ends."""
    shares = (1 - np.cos(np.pi * np.arange(1, _PLACES + 1) / _PLACES)) / 2
    return np.concatenate([[0.0], np.quantile(doubts.astype(np.float64), shares)])


def _best(doubts: np.ndarray, prices: np.ndarray, thresholds: np.ndarray, exit: int, choices: np.ndarray) -> float:
    """Returns the choice for one exit, the others as they are: of rows that come so far, those below it leave."""
    left_before = (doubts[:, :exit] < thresholds[:exit]).any(axis=1)
    rows = np.flatnonzero(~left_before)
    if not len(rows):
        return float(thresholds[exit])
    later = thresholds.copy()
    later[: exit + 1] = 0
    otherwise = prices[rows, _exits(doubts[rows], later)]
    order = np.argsort(doubts[rows, exit], kind="stable")
    gains = np.cumsum((prices[rows, exit] - otherwise)[order])
    below = np.searchsorted(doubts[rows, exit][order], choices, side="left")
    totals = np.concatenate([[0.0], gains])[below]
    return float(choices[totals.argmin()])


def _exits(doubts: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Returns the exit of each row, counted from 0."""
    leaves = np.pad(doubts < thresholds, ((0, 0), (0, 1)), constant_values=True)
    return leaves.argmax(axis=1)
