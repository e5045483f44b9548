"""The claims of the paper, and one of our own: how a task is asked about each, from stored numbers alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from harness.reproduction.cells import in_percent, in_points
from harness.reproduction.settings import JUDGED_DROP, TASKS
from harness.reproduction.verdicts import (
    ASKED_SAVING,
    ENOUGH_TASKS,
    FAILS,
    HOLDS,
    MAJORITY,
    MARGIN,
    OPEN,
    PENDING,
    UNTESTED,
    OverTasks,
    Tally,
    better,
    no_loss,
    saves_enough,
)

TREND_LEVEL = 0.01
"""Error of all branches of a task together."""

Summary = Mapping[str, Any]
"""The stored results of a task."""


class Finding(NamedTuple):
    """What one task says of a claim."""

    verdict: str
    measured: str
    """In words."""


NOT_RUN = Finding(PENDING, "")


class Claim(NamedTuple):
    """A claim, and how a task is asked."""

    name: str
    text: str
    rule: str
    """When a task says that it holds, and when that it does not; else it is undecided."""
    judge: Callable[[Summary], Finding]
    over_tasks: OverTasks = MAJORITY

    def tally(self, summaries: Sequence[Summary]) -> Tally:
        """Counts what all tasks of the reproduction say; those without a summary were not run yet."""
        by_task = {summary["task"]: summary for summary in summaries}
        return Tally.of(self.judge(by_task.get(task, {})).verdict for task in TASKS)


# === Asking a task ===


def _mean_difference(name: str) -> Callable[[Summary], Finding]:
    def judge(summary: Summary) -> Finding:
        found = summary.get(name)
        return NOT_RUN if found is None else Finding(better(found["mean"]), in_points(found["mean"]))

    return judge


def _trend(summary: Summary) -> Finding:
    if "trend" not in summary:
        return NOT_RUN
    branches = summary["trend"]
    tested = [one["p"] for one in branches if one["p"] is not None]
    if not tested:
        return Finding(UNTESTED, "no branch errs, or all rows are equally sure")
    level = TREND_LEVEL / len(branches)
    falling = sum(p <= level for p in tested)
    rising = sum(1 - p <= level for p in tested)
    p = "p < 1e-15" if max(tested) < 1e-15 else f"p <= {max(tested):.1e}"
    words = f"falls in {falling} of {len(tested)} branches, {p}"
    words += f"; rises in {rising}" if rising else ""
    words += f"; {len(branches) - len(tested)} cannot be tested" if len(tested) < len(branches) else ""
    return Finding(FAILS if rising else HOLDS if falling == len(tested) else OPEN, words)


def _without_loss(summary: Summary) -> Finding:
    found = summary.get("without_loss")
    if found is None:
        return NOT_RUN
    words = ", ".join(f"{speedup}: {in_points(one)}" for speedup, one in found.items())
    return Finding(no_loss(list(found.values())), words)


def _policies(kind: str) -> Callable[[Summary], Finding]:
    def judge(summary: Summary) -> Finding:
        if kind not in summary:
            return NOT_RUN
        found = summary[kind].get(f"{JUDGED_DROP:g}")
        if found is None:
            return Finding(UNTESTED, "too few calibration rows")
        savings = [found["saved"], found["saved_at_equal_accuracy"]]
        saved, matched = map(in_percent, savings)
        difference = found["accuracy_difference"]
        words = f"{found['best']}: {saved}, at equal accuracy {matched}; accuracy {in_points(difference)}"
        return Finding(saves_enough(savings, difference), words)

    return judge


DROP, SAVING = f"{100 * JUDGED_DROP:g} %", f"{100 * ASKED_SAVING:g} %"
SAVING_RULE = (
    "work saved by the policy that saves most on the calibration rows, against the paper's rule as it was set there "
    "and against its cheapest speed of the same accuracy on the reported rows; holds where both intervals lie at "
    f"{SAVING} or above; does not where one lies below, or the accuracy's interval below 0"
)

CLAIMS = (
    Claim(
        "self_distillation",
        "Self-distillation beats its ablation at equal speedup",
        "accuracy with less without, mean over 2x, 3x and 4x fewer executed FLOPs, in points; holds where the interval "
        "lies above 0, does not where it lies below",
        _mean_difference("self_distillation"),
    ),
    Claim(
        "adaptive",
        "Adaptive inference beats a fixed depth at equal cost",
        "accuracy at the executed cost of k layers and one branch, less that of this branch, mean over the inner "
        "layers, in points; holds where the interval lies above 0, does not where it lies below",
        _mean_difference("adaptive"),
    ),
    Claim(
        "trend",
        "The lower the uncertainty, the higher the accuracy",
        "Cochran-Armitage test for a trend over 20 intervals of uncertainty; holds where accuracy falls in every "
        f"branch that can be tested (p <= {TREND_LEVEL:g} / branches), does not where it rises in one (1 - p at most "
        "that)",
        _trend,
    ),
    Claim(
        "without_loss",
        "2 to 3 times faster without loss",
        "accuracy at 2x and 3x fewer paper FLOPs less that of the full depth, in points; holds where both intervals "
        f"lie above -{100 * MARGIN:g}, does not where one lies below it",
        _without_loss,
    ),
    Claim(
        "policies",
        f"The best policy tuned for {DROP} of lost rows saves {SAVING} more executed work than the single-threshold "
        "entropy rule",
        SAVING_RULE,
        _policies("policies"),
        ENOUGH_TASKS,
    ),
    Claim(
        "certified",
        f"The best policy certified for {DROP} of lost rows saves {SAVING} more, too",
        "likewise; the policies share the error of 5 %, the paper's rule has one of 5 % for itself",
        _policies("certified"),
        ENOUGH_TASKS,
    ),
)


def verdict(claim: Claim, summaries: Sequence[Summary]) -> str:
    """Returns the verdict of all tasks."""
    return claim.over_tasks.decide(claim.tally(summaries))
