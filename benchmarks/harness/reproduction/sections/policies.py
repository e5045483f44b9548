"""What each exit policy saves, and how much more the best one saves than the rule of the paper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from harness.performance.markdown import table
from harness.reproduction.cells import in_percent, in_points
from harness.reproduction.settings import JUDGED_DROP

CHOSEN = {"policies": "tuned", "certified": "certified"}


def policies(summaries: Sequence[dict[str, Any]]) -> str | None:
    """The best of each task beside the rule, at every drop; then all policies at the one that is judged."""
    made = [summary for summary in summaries if summary.get("policies")]
    if not made:
        return None
    heads = ["task", "lost rows", "chosen", "best", "it saves", "its accuracy", "the rule saves", "the rule's accuracy",
             "less work than the rule", "at equal accuracy"]  # fmt: skip
    intro = (
        "## Policies\n\nThe speed of each policy, and what can be learned of it, comes from held-out training rows: "
        "30 % learn, 70 % choose the speed of least executed work whose share of lost rows is at most the one in the "
        "second column, there (tuned) or with 95 % confidence for rows to come (certified; the policies share the "
        "error, the rule has one for itself). Then all are asked once about the reported rows. Saved: of the executed "
        "work of the full depth; accuracies are changes from it, in points. The rule is the paper's, one threshold for "
        "the entropy; at equal accuracy it takes its cheapest speed on the reported rows themselves."
    )
    best = table(heads, [row for summary in made for row in _best(summary)])
    return "\n\n".join([intro, best, *_all(made)])


def _best(summary: dict[str, Any]) -> Iterator[list[str]]:
    for kind, chosen in CHOSEN.items():
        for drop, found in summary[kind].items():
            sides = [found["policies"][0], found["rule"]]
            cells = [
                cell for one in sides for cell in (in_percent(one["saved_on_test"]), in_points(one["accuracy_change"]))
            ]
            more = [in_percent(found[name]) for name in ("saved", "saved_at_equal_accuracy")]
            yield [summary["title"], drop, chosen, found["best"], *cells, *more]


def _all(summaries: Sequence[dict[str, Any]]) -> Iterator[str]:
    drop = f"{JUDGED_DROP:g}"
    for kind, chosen in CHOSEN.items():
        told = [summary for summary in summaries if drop in summary[kind]]
        if not told:
            continue
        by_task = [{one["name"]: one for one in summary[kind][drop]["policies"]} for summary in told]
        rows = [[name, *(_cell(policies[name]) for policies in by_task)] for name in sorted(by_task[0])]
        yield f"All policies, {chosen} for {drop}: saved, and accuracy:\n\n" + table(
            ["policy", *(summary["title"] for summary in told)], rows
        )


def _cell(policy: dict[str, Any]) -> str:
    return f"{in_percent(policy['saved_on_test'])}<br>{in_points(policy['accuracy_change'])}"
