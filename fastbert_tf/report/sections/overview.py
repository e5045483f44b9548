"""What was measured, and how to read it."""

from __future__ import annotations

from collections.abc import Sequence

from fastbert_tf.evaluation import DRAWS
from fastbert_tf.report.document import Paragraph, Section, Table
from fastbert_tf.report.numbers import INTERVAL
from fastbert_tf.report.run import Run


def overview(runs: Sequence[Run]) -> Section:
    """Names the runs and says what intervals, costs and the reference are."""
    return Section.of(
        "What was measured",
        Table(
            "The runs of this report",
            ("run", "data", "rows", "tokens a row", "layers x width", "arithmetic", "exit policy"),
            tuple(_row(run) for run in runs),
            words=(0, 1, 5, 6),
        ),
        Paragraph(
            f"Columns headed {INTERVAL} are bootstrap intervals: the evaluated rows were drawn again, with "
            f"replacement, {DRAWS:,} times with a fixed seed, unless a table says another number of draws. They show "
            "what another sample of rows would change. What another training seed would change is not in them."
        ),
        Paragraph(
            "The reference is the plain encoder at dynamic length: all layers and the last classifier alone, on the "
            "real tokens of each row, in the same arithmetic. Executed FLOPs count the matrix products of real tokens; "
            "paper FLOPs count by the paper's definition at a fixed length. Milliseconds are of the same graph."
        ),
    )


def _row(run: Run) -> tuple[str, ...]:
    curve, shape = run.curve, run.curve.config.backbone
    return (
        run.name,
        run.report.name,
        f"{curve.rows:,}",
        f"{curve.mean_length:.1f}",
        f"{shape.num_layers} x {shape.hidden_dim}",
        run.report.precision or "float32, padded layers",
        run.policy.name,
    )
