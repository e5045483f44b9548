"""From branch outputs on calibration rows to a certificate and a dial: arrays alone, no model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fastbert_tf.calibration.bounds import P_VALUES, rows_needed
from fastbert_tf.calibration.certificate import Certificate, Subject
from fastbert_tf.calibration.learn_dial import learn_dial
from fastbert_tf.calibration.learn_then_test import PATH, Candidate, choose
from fastbert_tf.calibration.row_losses import row_losses
from fastbert_tf.calibration.speed_sums import SpeedSums
from fastbert_tf.config import Config, FastBertConfig
from fastbert_tf.evaluation import BranchOutputs, executed_flops
from fastbert_tf.inference import ExitPolicy, ExitSchedule, doubts


@dataclass(frozen=True)
class Promise(Config):
    """What shall be shown.

    Raises:
        ValueError: a field breaks its rule.
    """

    max_accuracy_drop: float
    """Largest accepted drop, in (0, 1)."""
    confidence: float = 0.95
    """Chance, over the choice of the calibration rows, that the promise holds; in (0, 1)."""
    method: str = "binomial"
    """The test, a name of `P_VALUES`."""

    def __post_init__(self) -> None:
        rows_needed(self.max_accuracy_drop, self.confidence)  # raises
        if self.method not in P_VALUES:
            raise ValueError(f"method must be one of {', '.join(P_VALUES)}, but is {self.method!r}")

    def check(self, rows: int, policies: int = 1) -> None:
        """Refuses a set that is too small even if no row of it loses.

        Args:
            rows: of the set.
            policies: that share the error.

        Raises:
            ValueError: it is; the message says how many rows are needed.
        """
        if policies < 1:
            raise ValueError("there is no policy to certify; name at least one")
        needed = rows_needed(self.max_accuracy_drop, 1 - (1 - self.confidence) / policies)
        if rows < needed:
            among = "" if policies == 1 else f" for one of {policies} policies"
            raise ValueError(
                f"{rows} rows are too few to show a drop of at most {self.max_accuracy_drop:g} with "
                f"{self.confidence:g} confidence{among}, even if none of them lost: it needs {needed}; give more rows, "
                "or accept a larger drop"
            )


def calibrate(
    outputs: BranchOutputs,
    config: FastBertConfig,
    policies: Sequence[ExitPolicy],
    promise: Promise,
    subject: Subject,
    schedule: ExitSchedule | None = None,
    learning_rows: int = 0,
) -> Certificate:
    """Chooses policy and speed for the least executed work under the bound, and learns the dial of that policy.

    Args:
        outputs: all branches' answers for rows that are drawn as the rows to come are, and that decided nothing before:
            neither weights, nor policies, nor the epoch. With labels, or without.
        config: the model's shape.
        policies: exit rules; they share the error.
        promise: what shall be shown.
        subject: what it is shown of, for the certificate.
        schedule: the branches that are asked; None for all.
        learning_rows: other rows, that policies were learned on, for the certificate.

    Raises:
        ValueError: there are too few rows, or outputs and config are of different models.
    """
    rows, layers, classes = outputs.probabilities.shape
    if (layers, classes) != (config.backbone.num_layers, config.num_classes):
        raise ValueError(f"outputs of {layers} layers and {classes} classes are not of this model; predict them again")
    promise.check(rows, len(policies))
    schedule = (schedule or ExitSchedule.every_layer(layers)).check(layers)
    losses = row_losses(outputs.predictions[:, np.array(schedule.exits) - 1], outputs.labels)
    costs = exit_costs(outputs, config, schedule)
    full_cost = float(executed_flops(config, None, outputs.lengths).mean())
    found = [doubts(policy, outputs.probabilities, schedule) for policy in policies]
    candidates = [candidate(one, losses, costs) for one in found]
    choice = choose(candidates, rows, promise.max_accuracy_drop, promise.confidence, full_cost, promise.method)
    chosen, place = candidates[choice.candidate], choice.place
    flops = full_cost if place is None else float(chosen.costs[place])
    return Certificate(
        **promise.to_dict(),
        rows=rows,
        learning_rows=learning_rows,
        losses=0 if place is None else int(chosen.losses[place]),
        labelled=outputs.labels is not None,
        policies=len(policies),
        policy=policies[choice.candidate].to_dict(),
        exits=schedule.exits,
        speed=0.0 if place is None else PATH[place],
        flops=flops,
        full_flops=full_cost,
        speedup=full_cost / flops,
        subject=subject,
        dial=learn_dial(found[choice.candidate], costs, full_cost),
    )


def exit_costs(outputs: BranchOutputs, config: FastBertConfig, schedule: ExitSchedule) -> np.ndarray:
    """Returns the executed operations of each row if it leaves at each exit, float64 (rows, exits)."""
    lengths, exits = outputs.lengths[:, None], np.array(schedule.exits)[None]
    return executed_flops(config, exits, lengths, schedule.exits).astype(np.float64)


def candidate(doubts: np.ndarray, losses: np.ndarray, costs: np.ndarray) -> Candidate:
    """Replays a policy along `PATH`.

    Args:
        doubts: float (rows, exits - 1).
        losses: int (rows, exits).
        costs: float (rows, exits).
    """
    sums, path = SpeedSums(doubts), np.array(PATH, np.float32)
    return Candidate(sums.at(losses, path), sums.at(costs, path) / len(doubts))
