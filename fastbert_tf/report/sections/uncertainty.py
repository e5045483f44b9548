"""Figures 4 to 6 of the paper: uncertainty, accuracy and where rows leave."""

from __future__ import annotations

from fastbert_tf.evaluation import plots
from fastbert_tf.inference import NormalizedEntropy
from fastbert_tf.report.document import Block, Missing, Section
from fastbert_tf.report.drawing import picture
from fastbert_tf.report.run import Run


def uncertainty(run: Run) -> Section:
    """Draws the figures; the first one needs labels."""
    profile, blocks = run.report.uncertainty, list[Block]()
    if profile.correct is None:
        blocks.append(Missing("Figure 4, accuracy by uncertainty, needs labels, but these rows have none."))
    else:
        words = (
            "Figure 4: accuracy in each tenth of uncertainty, 95 % Wilson intervals. The hypothesis of early exit, the "
            "lower the uncertainty the higher the accuracy, holds where lines fall from left to right."
        )
        figure = plots.plot_accuracy_per_uncertainty(profile)
        blocks.append(picture(f"{run.name}-accuracy_per_uncertainty", figure, words))
    words = "Figure 5: the share of rows that leave at each layer, at three speeds."
    blocks.append(picture(f"{run.name}-exit_layers", plots.plot_exit_layers(run.curve), words))
    by_entropy = run.policy == NormalizedEntropy()
    words = "Figure 6: how uncertain each layer is about the rows that reach it, by normalised entropy"
    words += "; dashed: the speed." if by_entropy else f". Rows leave by another measure, {run.policy.name}."
    blocks.append(picture(f"{run.name}-uncertainty", plots.plot_uncertainty(profile, by_entropy), words))
    return Section.of("Figures 4 to 6: uncertainty, accuracy and exits", blocks)
