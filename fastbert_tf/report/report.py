"""The parts of a report, in the order of reading."""

from __future__ import annotations

from collections.abc import Sequence

from fastbert_tf.report import sections
from fastbert_tf.report.document import Document, Section
from fastbert_tf.report.run import Run


def report_document(runs: Sequence[Run]) -> Document:
    """Returns tables 1 to 3 and figure 3 over all runs, then everything else run by run.

    Args:
        runs: at least one; their names are distinct.
    """
    shared = [
        sections.overview(runs),
        sections.operations(runs),
        sections.comparison(runs),
        sections.ablation(runs),
        sections.trade_offs(runs),
    ]
    title = f"FastBERT: {', '.join(run.name for run in runs)}"
    return Document(title, (*shared, *(_one(run) for run in runs)))


def _one(run: Run) -> Section:
    return Section.of(
        f"Run {run.name}",
        sections.cost(run),
        sections.uncertainty(run),
        sections.convergence(run),
        sections.examples(run),
        sections.disagreement(run),
        sections.policies(run),
        sections.guarantee(run),
        sections.model_card(run),
    )
