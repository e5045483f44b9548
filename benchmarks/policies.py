"""Which rows leave, by which exit policy, at which speed: on the stored branch outputs of evaluations.

    python benchmarks/policies.py --evaluation sst2=runs/sst2/evaluation --evaluation mrpc=runs/mrpc/evaluation

Every policy has its default parameters. The learned exit is fitted to one half of the rows, drawn with a fixed seed,
and all policies are reported on the other half. A cell is the share of rows that leave before the last layer, the mean
layer that they leave at, and the change in accuracy against the teacher's, in points.
"""

from __future__ import annotations

from absl import app, flags

from fastbert_tf.evaluation import compare_policies, read_outputs, read_report
from fastbert_tf.evaluation.operating_point import OperatingPoint
from fastbert_tf.evaluation.speed_curve import SpeedCurve
from fastbert_tf.evaluation.table import aligned_table

_EVALUATIONS = flags.DEFINE_multi_string("evaluation", None, "NAME=DIR of an evaluation with labels", required=True)


def table(curves: dict[str, SpeedCurve]) -> str:
    """Returns a task's table, policies by speeds."""
    speeds = [f"{point.speed:g}" for point in next(iter(curves.values())).points]
    rows = [(name, *(_cell(curve, point) for point in curve.points)) for name, curve in curves.items()]
    return aligned_table(("policy", *speeds), rows)


def _cell(curve: SpeedCurve, point: OperatingPoint) -> str:
    leaves = 1 - point.exit_layers[-1] / curve.rows
    change = point.metrics["accuracy"] - curve.full_depth.metrics["accuracy"]
    points = round(100 * change, 1) + 0.0  # never -0.0
    return f"{leaves:.0%} {point.mean_exit_layer:.2f} {points:+.1f}"


def main(_: list[str]) -> None:
    """Prints a table for each evaluation."""
    for name, directory in (str(text).split("=", 1) for text in _EVALUATIONS.value):
        report = read_report(directory)
        outputs = read_outputs(directory, report.evaluated)
        if outputs is None or outputs.labels is None:
            raise ValueError(f"{directory} holds no branch outputs with labels; evaluate again with this version")
        accuracy = (outputs.predictions[:, -1] == outputs.labels).mean()
        print(f"\n{name}: {len(outputs)} rows, teacher {accuracy:.4f}")
        print(f"\n{table(compare_policies(outputs, report.curve.config))}")


if __name__ == "__main__":
    app.run(main)
