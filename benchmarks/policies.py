"""Which rows leave, by which exit policy, at which speed: on the stored branch outputs of evaluations.

    python benchmarks/policies.py --evaluation sst2=runs/sst2/evaluation --evaluation mrpc=runs/mrpc/evaluation

Every policy has its default parameters. The learned exit is fitted to one half of the rows, drawn with a fixed seed,
and all policies are reported on the other half. A cell is the share of rows that leave before the last layer, the mean
layer that they leave at, and the change in accuracy against the teacher's, in points.
"""

from __future__ import annotations

import numpy as np
from absl import app, flags

from fastbert_tf.evaluation import BranchOutputs, read_outputs, read_report
from fastbert_tf.evaluation.table import aligned_table
from fastbert_tf.inference import (
    ExitPolicy,
    ExitSchedule,
    LearnedExit,
    doubts,
    exit_layers,
    fit_learned_exit,
    policy_class,
    policy_names,
)

_EVALUATIONS = flags.DEFINE_multi_string("evaluation", None, "NAME=DIR of an evaluation with labels", required=True)
_SEED = 0

SPEEDS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)


def policies(fitted_on: BranchOutputs) -> dict[str, ExitPolicy]:
    """Returns every registered policy by name."""
    learned = fit_learned_exit(fitted_on.probabilities, fitted_on.labels)
    layers = fitted_on.probabilities.shape[1]
    kinds = ((name, policy_class(name)) for name in policy_names())
    return {name: learned if kind is LearnedExit else kind.default(layers) for name, kind in kinds}


def halves(outputs: BranchOutputs) -> tuple[BranchOutputs, BranchOutputs]:
    """Splits rows at random."""
    order = np.random.default_rng(_SEED).permutation(len(outputs))
    parts = (order[: len(order) // 2], order[len(order) // 2 :])
    return tuple(
        BranchOutputs(outputs.probabilities[rows], outputs.labels[rows], outputs.lengths[rows]) for rows in parts
    )


def table(outputs: BranchOutputs) -> str:
    """Returns a task's table, policies by speeds."""
    fitted_on, reported = halves(outputs)
    schedule = ExitSchedule.every_layer(reported.probabilities.shape[1])
    right = reported.predictions == reported.labels[:, None]  # (rows, layers)
    rows = []
    for name, policy in policies(fitted_on).items():
        found = doubts(policy, reported.probabilities)
        cells = [_cell(right, exit_layers(found, speed, schedule)) for speed in SPEEDS]
        rows.append((name, *cells))
    return aligned_table(("policy", *map(str, SPEEDS)), rows)


def _cell(right: np.ndarray, exit_layer: np.ndarray) -> str:
    leaves = np.mean(exit_layer < right.shape[1])
    change = right[np.arange(len(right)), exit_layer - 1].mean() - right[:, -1].mean()
    points = round(100 * change, 1) + 0.0  # never -0.0
    return f"{leaves:.0%} {exit_layer.mean():.2f} {points:+.1f}"


def main(_: list[str]) -> None:
    """Prints a table for each evaluation."""
    for text in _EVALUATIONS.value:
        name, _, directory = text.partition("=")
        outputs = read_outputs(directory, read_report(directory).evaluated)
        if outputs is None or outputs.labels is None:
            raise ValueError(f"{directory} holds no branch outputs with labels; evaluate again with this version")
        accuracy = (outputs.predictions[:, -1] == outputs.labels).mean()
        print(f"\n{name}: {len(outputs)} rows, teacher {accuracy:.4f}\n\n{table(outputs)}")


if __name__ == "__main__":
    app.run(main)
