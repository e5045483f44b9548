"""The card of the shipped student, from what its run and its fine-tunings say."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastbert_tf.checkpoints import ImportedBackbone


@dataclass(frozen=True)
class Score:
    """Fine-tunings of one start."""

    start: str
    """`pretrained` or `random`."""
    task: str
    """The task."""
    rows: int
    """Training rows."""
    epochs: int
    """Passes over them."""
    learning_rate: float
    """The chosen one."""
    held_out: dict[float, float]
    """Accuracy on the held-out training rows of every learning rate."""
    dev: list[float]
    """Accuracy on dev of every seed, with the chosen learning rate."""

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Score:
        """Builds a score from what `asdict` and a trip through JSON have left."""
        rates = {float(rate): value for rate, value in values["held_out"].items()}
        return cls(**{**values, "held_out": rates})

    @property
    def mean(self) -> float:
        """Mean accuracy on dev."""
        return statistics.mean(self.dev)

    def line(self) -> str:
        """One row of the table of scores."""
        tuned, seeds = (", ".join(f"{value:.4f}" for value in some) for some in (self.held_out.values(), self.dev))
        return f"| {self.start} | {tuned} | {self.learning_rate:g} | {self.mean:.4f} | {seeds} |"


def model_card(student: ImportedBackbone, facts: dict[str, Any], scores: Sequence[Score], note: str = "") -> str:
    """Returns the card as Markdown.

    Args:
        student: what ships.
        facts: `settings.json` of the run, and its `history`.
        scores: fine-tunings of it and of random weights, all on the same rows.
        note: a sentence for the limits.
    """
    shape, run, history = student.backbone.config, facts["distillation"], facts["history"]
    best = min(history, key=lambda epoch: epoch["val_loss"])
    seconds = statistics.median(epoch["seconds"] for epoch in history)
    steps = len(history) * run["epoch_steps"]
    teacher, vocabulary = facts.get("teacher", {}).get("digest", ""), facts.get("vocabulary_digest", "")
    length = facts["corpus"].get("max_sequence_length")
    rates = ", ".join(f"{rate:g}" for rate in scores[0].held_out)
    return f"""# The built-in student

A small English BERT for classification, uncased: {shape.num_layers} layers, {shape.hidden_dim} wide,
{shape.num_heads} heads, feed-forward {shape.intermediate_dim}, {shape.vocabulary_size:,} WordPiece entries,
{student.backbone.count_params():,} parameters stored as float16. `fastbert train` starts from it where no checkpoint
is named.

## How it was made

- **Teacher**: all-MiniLM-L6 (6 layers, 384 wide), a sentence encoder, frozen (digest of its weights: {teacher}).
- **Method**: word distillation (`fastbert distill_student`, docs/student.md). For every word the student's hidden
  states learn to give the teacher's by a linear map, after the embeddings and after every layer.
- **First weights**: {"fitted to the teacher's by least squares" if run["inherit"] else "random"}.
- **Text**: {", ".join(f"`{name}`" for name, _ in facts["corpus"].get("train", []))}:
  public-domain books and English Wikipedia (2015). No labels beside those that the teacher was trained with, which are
  pairs of sentences, and nothing of the tasks below.
- **Vocabulary**: learned from the same text (`fastbert vocab`; digest {vocabulary}).
- **Budget**: {len(history)} epochs of {run["epoch_steps"]} steps of {run["batch_size"]} rows, {steps:,} steps or
  {steps * run["batch_size"]:,} rows of at most {length} tokens in all; an epoch took {seconds:.0f} seconds, the
  median, on one thread beside other work. AdamW, peak learning rate {run["training"]["learning_rate"]:g},
  warm-up {run["training"]["warmup"]:g}, weight decay {run["training"]["weight_decay"]:g}, seed {run["seed"]};
  computed in {run["dtype"]}, the teacher in {run["teacher_dtype"]}.
- **Result**: epoch {best["epoch"]} was best. Of the variance of the teacher's states on held-out text it leaves
  {best["val_embeddings"]:.1%} unexplained at the embeddings, {best["val_last_layer"]:.1%} after the last layer, and
  {best["val_rows"]:.1%} of that of its means over rows.

## Scores

{scores[0].task}: accuracy after {scores[0].epochs} epochs on {scores[0].rows:,} training rows. Of the learning rates
{rates} each start has the one that is best on held-out training rows.
No branches, no augmentation; batches of 32, dropout {shape.dropout:g}, best of the epochs on the held-out rows.
`random` is the same shape from random weights. Held out is seed 0's; where training rows are phrases of the same
sentences, as SST-2's are, held-out rows are easier than dev.

| start | held out, by learning rate | chosen | dev, mean | dev, seed by seed |
|---|---|---:|---:|---|
{chr(10).join(score.line() for score in scores)}

`python benchmarks/builtin_student.py --run RUN`, where `RUN` is the output of `fastbert distill_student`, repeats it.

## Limits

{note + " " if note else ""}English, lower-cased. Positions beyond {length} and the second segment of pairs occurred in
no training text: they are what the teacher's were projected to. Books and an encyclopedia carry the biases of their
authors and their time, and so does the teacher; measure on your own data before you decide about people.

## Licences

The student comes under the package's licence, Apache-2.0. It was made from: the teacher, Apache-2.0; books in the
public domain; text of Wikipedia, CC BY-SA 3.0, by its contributors. Parts of the methods may be covered by patents (US
11,797,862 B2 among them); commercial users should check.
"""
