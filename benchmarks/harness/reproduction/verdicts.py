"""Verdicts: of an estimate on one task, and of a claim over all tasks, each by a rule that is fixed here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from harness.reproduction.bootstrap import Estimate

HOLDS, FAILS, OPEN = "holds", "does not hold", "undecided"
PENDING, UNTESTED = "not run yet", "cannot be tested here"
PARTLY = "not all run yet"
"""Of a claim that the tasks to come can still decide."""
MARGIN = 0.005
"""Half a point: less than that is no loss."""
ASKED_SAVING = 0.15
"""Of executed work."""
ASKED_TASKS = 3


# === Of one task ===


def better(estimate: Estimate) -> str:
    """A difference whose interval lies on one side of 0 decides."""
    if estimate["low"] > 0:
        return HOLDS
    return FAILS if estimate["high"] < 0 else OPEN


def no_loss(estimates: Sequence[Estimate]) -> str:
    """No loss: all intervals lie above -`MARGIN`. A loss: one of them lies below it."""
    if all(one["low"] >= -MARGIN for one in estimates):
        return HOLDS
    return FAILS if any(one["high"] < -MARGIN for one in estimates) else OPEN


def saves_enough(savings: Sequence[Estimate], accuracy_difference: Estimate) -> str:
    """Enough: all intervals lie at `ASKED_SAVING` or above. Not: one lies below it, or the accuracy's below 0."""
    if accuracy_difference["high"] < 0 or any(one["high"] < ASKED_SAVING for one in savings):
        return FAILS
    return HOLDS if all(one["low"] >= ASKED_SAVING for one in savings) else OPEN


# === Of all tasks ===


class Tally(NamedTuple):
    """How many tasks say what of a claim."""

    holds: int
    fails: int
    undecided: int
    pending: int
    untested: int

    @classmethod
    def of(cls, verdicts: Iterable[str]) -> Tally:
        """Counts the verdicts of all tasks."""
        said = list(verdicts)
        return cls(*(said.count(one) for one in (HOLDS, FAILS, OPEN, PENDING, UNTESTED)))

    @property
    def tested(self) -> int:
        return self.holds + self.fails + self.undecided

    def words(self) -> str:
        """Says it: `holds on 3, undecided on 1 of 8 tasks; 4 not run yet`; empty where nothing was run."""
        parts = ((self.holds, HOLDS), (self.fails, FAILS), (self.undecided, OPEN), (self.untested, UNTESTED))
        said = ", ".join(f"{name} on {count}" for count, name in parts if count)
        waiting = f"; {self.pending} {PENDING}" if self.pending else ""
        return f"{said} of {sum(self)} tasks{waiting}" if said else ""


class OverTasks(NamedTuple):
    """From the verdicts of tasks to that of a claim."""

    text: str
    decide: Callable[[Tally], str]


def majority(tally: Tally) -> str:
    """What more than half of the tasks say, those to come included."""
    every = tally.tested + tally.pending
    if 2 * tally.holds > every:
        return HOLDS
    return FAILS if 2 * tally.fails > every else _unsaid(tally)


def enough_tasks(tally: Tally) -> str:
    """Holds on `ASKED_TASKS` tasks; does not where too few of those that might are left."""
    if tally.holds >= ASKED_TASKS:
        return HOLDS
    too_few = tally.tested + tally.pending >= ASKED_TASKS > tally.holds + tally.undecided + tally.pending
    return FAILS if too_few else _unsaid(tally)


def _unsaid(tally: Tally) -> str:
    if tally.pending:
        return PARTLY if tally.tested else PENDING
    return OPEN if tally.tested else UNTESTED


MAJORITY = OverTasks(
    "holds, or does not, where more than half of the tasks that can test it say so, those not run yet counted", majority
)
ENOUGH_TASKS = OverTasks(
    f"holds where it holds on {ASKED_TASKS} tasks, does not where fewer than {ASKED_TASKS} are left on which it might",
    enough_tasks,
)
