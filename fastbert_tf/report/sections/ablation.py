"""Table 3 of the paper: without self-distillation, and without adaptive inference."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from fastbert_tf.evaluation import OperatingPoint
from fastbert_tf.report.document import Block, Missing, Paragraph, Section, Table
from fastbert_tf.report.numbers import INTERVAL, times, value_cells
from fastbert_tf.report.run import Run

TABLE_SPEEDS = (0.2, 0.7)
"""Two of a FastBERT; what it is compared with has the speedup nearest to theirs."""


def ablation(runs: Sequence[Run]) -> Section:
    """Sets every self-distilled run beside its ablations at about equal speedup."""
    blocks: list[Block] = []
    for run in runs:
        if run.metric is not None and _is_self_distilled(run):
            blocks += _one(run, run.metric, [other for other in runs if _is_ablation(other, run)])
    return Section.of(
        "Table 3: ablations",
        Paragraph(
            "Each block compares at about equal speedup by paper FLOPs: for an ablation the measured point is taken "
            "whose speedup is nearest to FastBERT's, so read value and speedup together."
        ),
        blocks or [Missing("No run is both labelled and known to be self-distilled.")],
    )


def _is_self_distilled(run: Run) -> bool | None:
    """None: nothing stored says how the run was trained."""
    return None if run.settings is None else bool(run.settings.get("training", {}).get("self_distillation", True))


def _is_ablation(other: Run, run: Run) -> bool:
    """Whether it is the same task, rows, metric and shape without self-distillation."""
    return (
        _is_self_distilled(other) is False
        and (other.report.name, other.curve.rows) == (run.report.name, run.curve.rows)
        and (other.settings or {}).get("task") == (run.settings or {}).get("task")
        and (other.metric, other.curve.config) == (run.metric, run.curve.config)
    )


def _one(run: Run, metric: str, ablations: Sequence[Run]) -> list[Block]:
    rows = []
    for anchor in (point for point in run.curve.points if point.speed in TABLE_SPEEDS):
        rows.append(_row(metric, f"FastBERT, speed {anchor.speed:g}", anchor))
        for other in ablations:
            near = _nearest(other.curve.points, anchor)
            rows.append(_row(metric, f"without self-distillation ({other.name}), speed {near.speed:g}", near))
        fixed = _nearest(run.curve.fixed_depths, anchor)
        layer = run.curve.fixed_depths.index(fixed) + 1
        rows.append(_row(metric, f"without adaptive inference, {layer} layers", fixed))
    if not rows:
        speeds = " and ".join(f"{speed:g}" for speed in TABLE_SPEEDS)
        return [Missing(f"{run.name}: not evaluated at the speeds {speeds}.")]
    header = ("model", metric, INTERVAL, "paper speedup", "executed speedup")
    blocks: list[Block] = [Table(run.name, header, tuple(rows))]
    if not ablations:
        data = f"--task {run.task}" if run.task else "--train FILE"
        output = shlex.quote(f"{run.folder}_without_self_distillation")
        command = f"fastbert train {data} --no_self_distillation --output {output}"
        words = (
            f"{run.name}: no run without self-distillation is among these. Train one with the other options of "
            "this run, evaluate it, and name it too:"
        )
        blocks.append(Missing(words, command))
    return blocks


def _nearest(points: Sequence[OperatingPoint], anchor: OperatingPoint) -> OperatingPoint:
    return min(points, key=lambda point: abs(point.paper_speedup - anchor.paper_speedup))


def _row(metric: str, name: str, point: OperatingPoint) -> tuple[str, ...]:
    return name, *value_cells(point, metric), times(point.paper_speedup), times(point.executed_speedup)
