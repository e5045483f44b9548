"""Table 1 of the paper: FLOPs of each operation."""

from __future__ import annotations

from collections.abc import Sequence

from fastbert_tf.config import FastBertConfig
from fastbert_tf.evaluation import executed_breakdown, paper_breakdown
from fastbert_tf.evaluation.table import in_millions
from fastbert_tf.report.document import Paragraph, Section, Table
from fastbert_tf.report.run import Run

_PAPER_NAMES = {
    "self_attention": ("layer", "self-attention: query, key, value, output"),
    "feed_forward": ("layer", "feed-forward"),
    "branch_input": ("branch classifier", "fully connected, to the branch's width"),
    "branch_attention": ("branch classifier", "self-attention"),
    "branch_pooler": ("branch classifier", "fully connected, first token"),
}
_EXECUTED_NAMES = {
    "attention_projections": ("layer", "self-attention: query, key, value, output"),
    "attention_products": ("layer", "self-attention: query x key, weights x value"),
    "feed_forward": ("layer", "feed-forward"),
    "branch": ("branch classifier", "all of it, first token's projections folded"),
}


def operations(runs: Sequence[Run]) -> Section:
    """Counts a layer and a branch for every shape among the runs."""
    shapes: dict[tuple[FastBertConfig, int], list[str]] = {}
    for run in runs:
        shapes.setdefault((run.curve.config, run.curve.sequence_length), []).append(run.name)
    tables = [_table(config, length, names) for (config, length), names in shapes.items()]
    return Section.of(
        "Table 1: operations of a layer and of a branch",
        Paragraph("Two ways to count, never to be mixed: the paper's, and what the exported graph computes."),
        tables,
    )


def _table(config: FastBertConfig, length: int, names: Sequence[str]) -> Table:
    paper, executed = paper_breakdown(config, length), executed_breakdown(config, length)
    rows = [("paper", *_PAPER_NAMES[part], in_millions(flops)) for part, flops in paper.items()]
    rows += [("executed", *_EXECUTED_NAMES[part], in_millions(float(flops))) for part, flops in executed.items()]
    caption = f"{', '.join(names)}: FLOPs at {length} tokens (M: million), {config.backbone.hidden_dim} wide"
    return Table(caption, ("count", "part", "operation", "FLOPs"), tuple(rows), words=(0, 1, 2))
