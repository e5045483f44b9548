"""Rows that left at layer 1, and rows that needed all layers."""

from __future__ import annotations

import numpy as np

from fastbert_tf.evaluation import BranchOutputs, RowTexts
from fastbert_tf.report.commands import evaluate_command
from fastbert_tf.report.document import Block, Missing, Paragraph, Section, Table
from fastbert_tf.report.early_answers import EarlyAnswers, early_answers
from fastbert_tf.report.numbers import share
from fastbert_tf.report.run import Run

EXAMPLES = 8
"""Rows shown of each kind."""
LONGEST = 240
"""Characters of a text that are shown."""


def examples(run: Run) -> Section:
    """Shows the surest rows of layer 1 and the most doubtful ones of the last, at one speed."""
    title, early = "Who leaves first, who needs all layers", early_answers(run, run.shown_speed)
    if early is None:
        words = "The answers of the branches are not stored. An evaluation stores them, and the texts if asked."
        return Section.of(title, Missing(words, evaluate_command(run, "--store_texts")))
    first, last = np.flatnonzero(early.layer == 1), np.flatnonzero(early.layer == early.num_layers)
    first = first[np.argsort(early.doubt[first, 0], kind="stable")]
    last = last[np.argsort(-early.doubt[last, -1], kind="stable")]
    kinds = (("Left at layer 1, surest first", first), ("Needed all layers, most doubtful first", last))
    texts = run.texts
    if texts is None:
        shown: list[Block] = [missing_texts(run)]
    else:
        shown = [_table(run, texts, early, caption, rows[:EXAMPLES]) for caption, rows in kinds if len(rows)]
    return Section.of(title, _summary(run, early, first, last), shown)


def missing_texts(run: Run) -> Missing:
    """Says how the texts come into a report."""
    return Missing("The texts are not stored, so none can be shown. An evaluation stores them if asked.",
                   evaluate_command(run, "--store_texts"))  # fmt: skip


def shown_text(texts: RowTexts, row: int) -> str:
    """Returns a row's text, cut where it is long."""
    text = " ".join(texts.row(row).split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1].rstrip() + "…"


def _summary(run: Run, early: EarlyAnswers, first: np.ndarray, last: np.ndarray) -> Paragraph:
    rows = len(early.outputs)
    which = "certified speed" if run.is_certified else "speed"
    return Paragraph(
        f"At the {which} {early.speed:.3g}, {share(len(first), rows)} left at layer 1{_means(early.outputs, first)}, "
        f"and {share(len(last), rows)} needed all {early.num_layers} layers{_means(early.outputs, last)}."
    )


def _means(outputs: BranchOutputs, rows: np.ndarray) -> str:
    if not len(rows):
        return ""
    said = [f"{outputs.lengths[rows].mean():.1f} tokens on average"]
    if outputs.labels is not None:
        right = outputs.predictions[rows, -1] == outputs.labels[rows]
        said.append(f"the plain encoder is right on {100 * right.mean():.1f} %")
    return f" ({', '.join(said)})"


def _table(run: Run, texts: RowTexts, early: EarlyAnswers, caption: str, rows: np.ndarray) -> Table:
    labels, answers, probability = early.outputs.labels, early.answers, early.probability
    label_column = () if labels is None else ("label",)
    cells = [
        (shown_text(texts, row), *(() if labels is None else (run.label_name(labels[row]),)),
         run.label_name(answers[row]), f"{probability[row]:.3f}", str(early.outputs.lengths[row]))
        for row in rows
    ]  # fmt: skip
    header = ("text", *label_column, "answer", "probability", "tokens")
    return Table(caption, header, tuple(cells), words=tuple(range(2 + len(label_column))))
