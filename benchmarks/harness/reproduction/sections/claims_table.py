"""Each claim with its verdict, our numbers and the published ones, and the rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.performance.markdown import table
from harness.reproduction import published
from harness.reproduction.claims import CLAIMS, verdict
from harness.reproduction.settings import TASKS
from harness.reproduction.verdicts import PENDING


def claims_table(summaries: Sequence[dict[str, Any]]) -> str:
    """One line a claim, then one line for each task that was asked."""
    rows = []
    for claim in CLAIMS:
        said = f"**{verdict(claim, summaries)}**"
        rows.append([f"**{claim.text}**", published.CLAIMS[claim.name], claim.tally(summaries).words(), said])
        for summary in summaries:
            finding = claim.judge(summary)
            if finding.verdict != PENDING:
                rows.append([f"- {summary['title']}", "", finding.measured, finding.verdict])
    return table(["claim", "published", "here", "verdict"], rows)


def rules() -> str:
    """How verdicts are reached."""
    of_tasks = "\n".join(f"- *{claim.text}*: {claim.rule}." for claim in CLAIMS)
    over: dict[str, list[str]] = {claim.over_tasks.text: [] for claim in CLAIMS}
    for number, claim in enumerate(CLAIMS, 1):
        over[claim.over_tasks.text].append(str(number))
    of_claims = "\n".join(f"- Claims {', '.join(numbers)}: {text}." for text, numbers in over.items())
    return (
        "The rules, fixed in `benchmarks/harness/reproduction/verdicts.py` and `claims.py`. A task on which a claim "
        f"neither holds nor does not is undecided:\n\n{of_tasks}\n\nOver the {len(TASKS)} tasks:\n\n{of_claims}\n\n"
        "Each interval and test stands for one task and is not corrected for their number: of 20 intervals one misses "
        "the true value."
    )
