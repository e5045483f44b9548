"""Verdicts on the claims of the paper, by rules, from stored numbers alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from harness.reproduction.bootstrap import Estimate
from harness.reproduction.settings import JUDGED_DROP

HOLDS, FAILS, OPEN, UNTESTED = "holds", "does not hold", "undecided", "cannot be tested here"
MARGIN = 0.005
"""Half a point: less than that is no loss."""
TREND_LEVEL = 0.01
"""Error of all branches of a task together."""
ASKED_SAVING = 0.15
"""Of executed work."""
ASKED_TASKS = 3

Summary = Mapping[str, Any]
"""The stored results of a task."""


class Finding(NamedTuple):
    """What one task says of a claim."""

    verdict: str
    measured: str
    """In words."""


class Claim(NamedTuple):
    """A claim, and how a task is asked."""

    name: str
    text: str
    rule: str
    judge: Callable[[Summary], Finding]


def better(estimate: Estimate) -> str:
    """A difference whose interval lies on one side of 0 decides."""
    if estimate["low"] > 0:
        return HOLDS
    return FAILS if estimate["high"] < 0 else OPEN


def no_loss(estimate: Estimate) -> str:
    """No loss: the interval lies above -`MARGIN`. A loss: it lies below 0."""
    if estimate["low"] >= -MARGIN:
        return HOLDS
    return FAILS if estimate["high"] < 0 else OPEN


def saves_enough(found: Mapping[str, Any]) -> str:
    """The lesser of both savings must reach `ASKED_SAVING`, and the accuracy must not be shown to be lower."""
    saved = min(found["saved"]["value"], found["saved_at_equal_accuracy"]["value"])
    return HOLDS if saved >= ASKED_SAVING and found["accuracy_difference"]["high"] >= 0 else FAILS


def overall(verdicts: Sequence[str]) -> str:
    """Of several tasks: what more of them say than say the opposite, if at least half of those tested say it."""
    tested = [verdict for verdict in verdicts if verdict != UNTESTED]
    if not tested:
        return UNTESTED
    holding, failing = tested.count(HOLDS), tested.count(FAILS)
    if 2 * holding >= len(tested) and holding > failing:
        return HOLDS
    return FAILS if 2 * failing >= len(tested) and failing > holding else OPEN


def enough_tasks(verdicts: Sequence[str]) -> str:
    """On at least `ASKED_TASKS` tasks; while fewer tasks than that are tested, it cannot be said."""
    tested = [verdict for verdict in verdicts if verdict != UNTESTED]
    if tested.count(HOLDS) >= ASKED_TASKS:
        return HOLDS
    return FAILS if len(tested) >= ASKED_TASKS else UNTESTED


def in_points(estimate: Estimate) -> str:
    """A difference in percentage points, with its interval."""
    value, low, high = (100 * estimate[name] for name in ("value", "low", "high"))
    return f"{value:+.2f} [{low:+.2f}, {high:+.2f}]"


# === The claims ===


def _mean_difference(name: str) -> Callable[[Summary], Finding]:
    def judge(summary: Summary) -> Finding:
        found = summary.get(name)
        if found is None:
            return Finding(UNTESTED, "not run yet")
        return Finding(better(found["mean"]), in_points(found["mean"]))

    return judge


def _trend(summary: Summary) -> Finding:
    found = summary.get("trend")
    if not found:
        return Finding(UNTESTED, "not run yet")
    level = TREND_LEVEL / len(found)
    shown = sum(one["p"] <= level for one in found)
    largest = max(one["p"] for one in found)
    p = "p < 1e-15" if largest < 1e-15 else f"p <= {largest:.1e}"
    return Finding(HOLDS if shown == len(found) else FAILS, f"{shown} of {len(found)} branches, {p}")


def _without_loss(summary: Summary) -> Finding:
    found = summary.get("without_loss")
    if found is None:
        return Finding(UNTESTED, "not run yet")
    words = ", ".join(f"{speedup}: {in_points(one)}" for speedup, one in found.items())
    return Finding(no_loss(found["2x"]), words)


def _policies(summary: Summary) -> Finding:
    found = (summary.get("policies") or {}).get(f"{JUDGED_DROP:g}")
    if found is None:
        return Finding(UNTESTED, "not run yet")
    saved, matched = (found[name]["value"] for name in ("saved", "saved_at_equal_accuracy"))
    words = f"{found['best']}: {saved:.0%}, at equal accuracy {matched:.0%}; {in_points(found['accuracy_difference'])}"
    return Finding(saves_enough(found), words)


CLAIMS = (
    Claim(
        "self_distillation",
        "Self-distillation beats its ablation at equal speedup",
        "accuracy with less without, mean over 2x, 3x and 4x fewer executed FLOPs, in points; holds where the interval "
        "lies above 0",
        _mean_difference("self_distillation"),
    ),
    Claim(
        "adaptive",
        "Adaptive inference beats a fixed depth at equal cost",
        "accuracy at the executed cost of leaving at layer k, less that of layer k, mean over the inner layers, in "
        "points; holds where the interval lies above 0",
        _mean_difference("adaptive"),
    ),
    Claim(
        "trend",
        "The lower the uncertainty, the higher the accuracy",
        f"Cochran-Armitage test for a falling trend over 20 intervals of uncertainty, one-sided; holds where every "
        f"branch has p <= {TREND_LEVEL:g} / branches",
        _trend,
    ),
    Claim(
        "without_loss",
        "2 to 3 times faster without loss",
        f"accuracy at 2x and 3x fewer paper FLOPs less that of the full depth, in points; holds where the interval at "
        f"2x lies above -{100 * MARGIN:g}",
        _without_loss,
    ),
    Claim(
        "policies",
        "The best calibrated policy saves 15 % more executed work than the single-threshold entropy rule",
        f"both tuned on held-out training rows for {JUDGED_DROP:.0%} of lost rows, tested once; holds where at least "
        f"{ASKED_SAVING:.0%} is saved, both against the rule as tuned and against its cheapest speed of that accuracy, "
        f"and the accuracy is not shown to be lower; asked of {ASKED_TASKS} tasks",
        _policies,
    ),
)


def verdict(claim: Claim, summaries: Sequence[Summary]) -> str:
    """Returns the verdict of all tasks."""
    found = [claim.judge(summary).verdict for summary in summaries]
    return enough_tasks(found) if claim.name == "policies" else overall(found)
