"""Where early answers differ from the teacher's."""

from __future__ import annotations

import numpy as np

from fastbert_tf.evaluation import RowTexts
from fastbert_tf.report.commands import evaluate_command
from fastbert_tf.report.document import Missing, Paragraph, Section, Table
from fastbert_tf.report.early_answers import EarlyAnswers, early_answers
from fastbert_tf.report.numbers import share
from fastbert_tf.report.run import Run
from fastbert_tf.report.sections.examples import shown_text

EXAMPLES = 10
"""Rows shown."""


def disagreement(run: Run) -> Section:
    """Counts differing answers by layer, and shows the surest ones."""
    title, early = "Where early answers differ from the teacher's", early_answers(run, run.shown_speed)
    if early is None:
        missing = Missing(
            "The answers of the branches are not stored. An evaluation stores them.", evaluate_command(run)
        )
        return Section.of(title, missing)
    differing = np.flatnonzero(early.answers != early.teacher)
    words = f"At speed {early.speed:.3g}, {share(len(differing), len(early.layer))} of the answers differ."
    surest = differing[np.argsort(-early.probability[differing], kind="stable")][:EXAMPLES]
    shown = _examples(run, run.texts, early, surest) if run.texts is not None and len(differing) else None
    return Section.of(title, Paragraph(words), _counts(early), shown)


def _counts(early: EarlyAnswers) -> Table:
    labels, differing = early.outputs.labels, early.answers != early.teacher
    kinds = {"left here": np.ones_like(differing), "differ": differing}
    if labels is not None:
        early_right, teacher_right = early.answers == labels, early.teacher == labels
        kinds |= {
            "only early right": early_right & ~teacher_right,
            "only teacher right": teacher_right & ~early_right,
            "differ, both wrong": differing & ~early_right & ~teacher_right,
        }
    rows = [
        (str(layer), *(f"{np.sum(chosen & (early.layer == layer)):,}" for chosen in kinds.values()))
        for layer in range(1, early.num_layers + 1)
    ]
    rows.append(("all", *(f"{chosen.sum():,}" for chosen in kinds.values())))
    return Table("Rows by the layer that answered", ("layer", *kinds), tuple(rows), words=())


def _examples(run: Run, texts: RowTexts, early: EarlyAnswers, rows: np.ndarray) -> Table:
    labels, answers, probability = early.outputs.labels, early.answers, early.probability
    header = ("text", *(() if labels is None else ("label",)), "early answer", "teacher's", "layer", "probability")
    cells = [
        (shown_text(texts, row), *(() if labels is None else (run.label_name(labels[row]),)),
         run.label_name(answers[row]), run.label_name(early.teacher[row]), str(early.layer[row]),
         f"{probability[row]:.3f}")
        for row in rows
    ]  # fmt: skip
    words = tuple(range(len(header) - 2))
    return Table("Differing answers, those first of which the early branch was surest", header, tuple(cells), words)
