"""One way to run a model: what it is worth and what it costs."""

from __future__ import annotations

from dataclasses import dataclass

from fastbert_tf.evaluation.record import Record


@dataclass(frozen=True)
class OperatingPoint(Record):
    """Quality and cost at one speed or one fixed depth; costs are means over the rows."""

    speed: float | None
    """Exit threshold in [0, 1]; None where the depth is fixed."""
    metrics: dict[str, float]
    """Value by metric name; empty for unlabelled rows."""
    exit_layers: tuple[int, ...]
    """Rows that left at each layer, first layer first."""
    mean_exit_layer: float
    """Layers computed for a row, 1 to the number of layers."""
    paper_flops: float
    """FLOPs by the paper's definition, at the curve's `sequence_length`."""
    paper_speedup: float
    """Paper FLOPs of plain BERT with the teacher, over `paper_flops`."""
    executed_flops: float
    """FLOPs that the packed graph computes for the rows' real tokens."""
    executed_speedup: float
    """Executed FLOPs of the full depth with the teacher on the same lengths, over `executed_flops`."""
    intervals: dict[str, tuple[float, float]] | None = None
    """Ends of the bootstrap interval by metric name; None where the rows were not resampled, as in older files."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "exit_layers", tuple(self.exit_layers))
        if self.intervals is not None:
            ends = {name: (low, high) for name, (low, high) in self.intervals.items()}
            object.__setattr__(self, "intervals", ends)
