"""Which branches pay: the schedule with the least predicted time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np

from fastbert_tf.evaluation.exit_costs import ExitCosts
from fastbert_tf.evaluation.record import Record
from fastbert_tf.inference import ExitPolicy, ExitSchedule, doubts, exit_layers

SHRINK_SHARES = (0.0, 0.0625, 0.125, 0.25, 0.5)
"""Shares of answered rows at which a batch may shrink, to choose from."""
LEAST_GAIN = 0.03
"""Share of the plain encoder's time that exits must be predicted to save at every batch size; less is left out: the
prediction is not more exact than that, and an export shall not be slower than plain BERT."""
MOST_ROWS = 1024
"""Held-out rows that times are predicted from, at most; the choice is among hundreds of schedules."""
_MOST_LAYERS_TO_ENUMERATE = 8  # 2^7 subsets; deeper models are searched branch by branch
_SEED = 0  # of the order in which rows come

Exits = tuple[int, ...]


@dataclass(frozen=True)
class PredictedTime(Record):
    """Milliseconds a row, in batches of one size, tokenisation left out."""

    batch_size: int
    """Rows of a batch."""
    speed: float
    """Exit threshold in [0, 1]."""
    plain_ms: float
    """All layers and the teacher alone."""
    every_exit_ms: float
    """All branches on."""
    chosen_ms: float
    """The schedule."""
    no_exit_ms: float
    """The schedule, if its branches are asked and no row leaves."""


def predict_ms(costs: ExitCosts, schedule: ExitSchedule, exit_layer: np.ndarray, asked: bool = True) -> float:
    """Predicts the mean time of a row, in milliseconds, by walking the exit loop over batches.

    Args:
        costs: of the batch size to predict for.
        schedule: of the loop.
        exit_layer: int (rows,), the layer after which each row leaves, an exit of the schedule; cut into batches in
            this order.
        asked: whether branches are asked at all; at speed 0 they are not.

    Returns:
        Milliseconds a row; the last batch may be smaller than the others.
    """
    leaving = _batched(exit_layer, costs.batch_size)  # (batches, batch size), 0 for rows that are not there
    inside = np.count_nonzero(leaving, axis=1)  # rows in the batch
    answered = np.zeros_like(inside)  # of them, rows that have their answer
    total = costs.of("start", inside)
    before, last = 0, schedule.exits[-1]
    for exit in schedule.exits:
        total = total + (exit - before) * costs.of("layer", inside)
        if asked or exit == last:
            total = total + costs.of("branch", inside)
        if len(schedule.exits) > 1:
            total = total + costs.of("step", inside)
        now = np.count_nonzero(leaving == exit, axis=1)
        answered = answered + now
        shrinks = (now > 0) & (answered >= schedule.shrink_share * inside) & (exit < last)
        total = total + np.where(shrinks & (answered < inside), costs.of("shrink", inside), 0)  # else the loop ends
        inside, answered = np.where(shrinks, inside - answered, inside), np.where(shrinks, 0, answered)
        before = exit
    return float(total.sum() / len(exit_layer))


def choose_exits(
    costs: Sequence[ExitCosts],
    probabilities: np.ndarray,
    policy: ExitPolicy,
    speeds: Sequence[float],
    most_loss: float | None = None,
) -> ExitSchedule:
    """Chooses branches and shrinking for the least predicted time, over plain BERT's, as a mean over speeds and sizes.

    At every batch size the choice saves `LEAST_GAIN` of plain BERT's time, as a mean over the speeds, or more where the
    costs are less certain than that; and at none of the speeds it is slower by more than `LEAST_GAIN`. (At speed 0
    exits can only cost.) Up to 8 layers every subset of branches is tried; in deeper models branches are switched one
    at a time, from all on and from all off, as long as that helps.

    Args:
        costs: measured costs, one a batch size.
        probabilities: float32 (rows, layers, classes), every branch's answers for held-out rows.
        policy: the exit rule.
        speeds: exit thresholds in [0, 1] to choose for, at least one.
        most_loss: share of plain BERT's time, at least 0, by which rows may be slower whose speed is above 0, but so
            low that they never leave; None: such speeds are not asked for.

    Returns:
        The schedule; the teacher alone where exits do not pay.
    """
    probabilities = _as_they_come(probabilities)
    rows, layers, _ = probabilities.shape
    plain, last = ExitSchedule((layers,)), np.full(rows, layers)
    reference = _milliseconds(costs, plain, last)  # (batch sizes,)
    least_gain = max(LEAST_GAIN, *(one.uncertainty for one in costs))

    @cache
    def leaving(exits: Exits) -> list[np.ndarray]:
        found = doubts(policy, probabilities, ExitSchedule(exits))
        return [exit_layers(found, speed, ExitSchedule(exits)) for speed in speeds]

    @cache
    def ratios(schedule: ExitSchedule) -> np.ndarray:
        times = [
            _milliseconds(costs, schedule, exit_layer, speed > 0)
            for speed, exit_layer in zip(speeds, leaving(schedule.exits), strict=True)
        ]
        return np.array(times) / reference  # (speeds, batch sizes)

    def mean_ratio(exits: Exits) -> float:
        return float(ratios(ExitSchedule(exits)).mean())

    def keeps_the_promise(schedule: ExitSchedule) -> bool:
        found = ratios(schedule)
        if found.max() > 1 + LEAST_GAIN or found.mean(0).max() > 1 - least_gain:
            return False
        never = _milliseconds(costs, schedule, last) / reference
        return most_loss is None or bool(never.max() <= 1 + most_loss)

    subsets = _every_subset(layers) if layers <= _MOST_LAYERS_TO_ENUMERATE else _one_at_a_time(layers, mean_ratio)
    schedules = [ExitSchedule(exits, share) for exits in subsets for share in SHRINK_SHARES]
    paying = [one for one in schedules if keeps_the_promise(one)]
    return min(paying, key=lambda one: (ratios(one).mean(), one.shrink_share, one.exits), default=plain)


def predicted_times(
    costs: Sequence[ExitCosts],
    schedule: ExitSchedule,
    probabilities: np.ndarray,
    policy: ExitPolicy,
    speeds: Sequence[float],
) -> tuple[PredictedTime, ...]:
    """Predicts a schedule's times beside those of its alternatives; the arguments are those of `choose_exits`.

    Returns:
        The times, by batch size and then by speed.
    """
    probabilities = _as_they_come(probabilities)
    rows, layers, _ = probabilities.shape
    every = ExitSchedule.every_layer(layers)
    last = np.full(rows, layers)
    found = [doubts(policy, probabilities, which) for which in (every, schedule)]

    def at(one: ExitCosts, speed: float) -> PredictedTime:
        of_every, of_chosen = map(exit_layers, found, (speed, speed), (every, schedule))
        return PredictedTime(
            batch_size=one.batch_size,
            speed=speed,
            plain_ms=predict_ms(one, ExitSchedule((layers,)), last),
            every_exit_ms=predict_ms(one, every, of_every, asked=speed > 0),
            chosen_ms=predict_ms(one, schedule, of_chosen, asked=speed > 0),
            no_exit_ms=predict_ms(one, schedule, last),
        )

    return tuple(at(one, speed) for one in costs for speed in speeds)


def _milliseconds(
    costs: Sequence[ExitCosts], schedule: ExitSchedule, exit_layer: np.ndarray, asked: bool = True
) -> np.ndarray:
    return np.array([predict_ms(one, schedule, exit_layer, asked) for one in costs])


def _batched(exit_layer: np.ndarray, batch_size: int) -> np.ndarray:
    batches = -(-len(exit_layer) // batch_size)
    padded = np.zeros(batches * batch_size, int)
    padded[: len(exit_layer)] = exit_layer
    return padded.reshape(batches, batch_size)


def _as_they_come(probabilities: np.ndarray) -> np.ndarray:
    """Data sets may be sorted; requests are not."""
    return probabilities[np.random.default_rng(_SEED).permutation(len(probabilities))[:MOST_ROWS]]


def _every_subset(layers: int) -> Iterator[Exits]:
    """Yields all sets of exits with at least one before the teacher."""
    early = range(1, layers)
    return ((*on, layers) for count in early for on in combinations(early, count))


def _one_at_a_time(layers: int, mean_ratio: Callable[[Exits], float]) -> Iterator[Exits]:
    """Yields where switching single branches leads to, from all on and from all off."""
    for start in (range(1, layers + 1), (layers,)):
        best = tuple(start)
        while True:
            neighbours = [tuple(sorted({*best} ^ {exit})) for exit in range(1, layers)]
            better = min(neighbours, key=mean_ratio)
            if mean_ratio(better) >= mean_ratio(best):
                break
            best = better
        yield best
