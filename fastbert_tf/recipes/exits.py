"""Which branches an export asks: all, those that pay, or those that its owner names."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fastbert_serving.manifest import Exits, Manifest
from fastbert_tf.evaluation import (
    BranchOutputs,
    ExitCosts,
    choose_exits,
    machine,
    measure_exit_costs,
    predicted_times,
    threads,
)
from fastbert_tf.evaluation.exit_choice import LEAST_GAIN
from fastbert_tf.export.batching_parameters import BATCH_ROWS
from fastbert_tf.inference import ExitPolicy, ExitSchedule, NormalizedEntropy, Stack

BATCH_SIZES = (1, BATCH_ROWS)
"""Rows of a call of the graph: a request alone, and a full batch of a busy server, which splits larger requests."""

Speeds = Callable[[ExitSchedule], Sequence[float]]
"""Says which speeds a server may choose, in [0, 1], rising, if these exits are on."""


@dataclass(frozen=True)
class ExitRequest:
    """What the owner of an export wants."""

    layers: tuple[int, ...] | None = None
    """Layers whose branch is on, counted from 1; None: they are not named."""
    measured: bool | None = None
    """Whether they are chosen by measurement; else, unless they are named, all are on. None: wherever that can be."""
    most_loss: float | None = None
    """Share of the plain encoder's time by which, of exits chosen by measurement, rows may be slower that ask and never
    leave; None: no matter."""

    @classmethod
    def of(cls, exits: str | Sequence[int] | None, most_loss: float | None = None) -> ExitRequest:
        """Reads `auto`, `all`, or layer numbers: a list, or text with commas between; None is `auto` where it can be.

        Raises:
            ValueError: it is something else, or `most_loss` is negative or NaN.
        """
        if most_loss is not None and not most_loss >= 0:
            raise ValueError(f"most_loss must be at least 0, but is {most_loss}; 0.04 allows 4 %")
        if exits is None:
            return cls(None, None, most_loss)
        if isinstance(exits, str) and exits in ("auto", "all"):
            return cls(None, exits == "auto", most_loss)
        try:
            return cls(tuple(map(int, exits.split(",")) if isinstance(exits, str) else exits), False, most_loss)
        except (TypeError, ValueError):
            raise ValueError(
                f"exits must be auto, all, or layers with commas between, such as 2,4,6, but are {exits!r}"
            ) from None

    def settled(self, num_layers: int, outputs: BranchOutputs | None, speeds: Sequence[float]) -> ExitRequest:
        """Decides what was left open, before anything costs time.

        Args:
            num_layers: of the model.
            outputs: answers of all branches for held-out rows; None where there are none.
            speeds: those that a server may choose if all branches are on.

        Raises:
            ValueError: the layers are not the model's, or exits shall be measured, but cannot.
        """
        if self.layers is not None:
            ExitSchedule(self.layers).check(num_layers)
        possible = outputs is not None and max(speeds) > 0
        if self.measured and outputs is None:
            raise ValueError(
                "exits can be chosen by measurement only with the branch outputs of held-out rows; give the folder of "
                "an evaluation by this version, or exits by hand"
            )
        if self.measured and not possible:
            raise ValueError(
                "at speed 0 no exit pays, and the server may choose no other (default_speed, lowest_accuracy), so "
                "exits by measurement would leave none; name the exits"
            )
        measured = possible if self.measured is None else self.measured
        if self.most_loss is not None and not measured:
            raise ValueError("most_loss bounds exits chosen by measurement, but here they are not; drop it")
        return replace(self, measured=measured)


def choose(
    request: ExitRequest,
    stack: Stack,
    outputs: BranchOutputs | None,
    speeds: Speeds,
    policy: ExitPolicy | None = None,
) -> Exits | None:
    """Decides for an export.

    Args:
        request: the owner's wish, settled.
        stack: what is exported; its pieces are timed, on this machine, in a few seconds.
        outputs: answers of all branches for held-out rows; None where there are none.
        speeds: those to choose and to predict for.
        policy: the exit rule; None for the normalised entropy.

    Returns:
        The exits for the manifest; None for all branches.
    """
    named = None if request.layers is None else ExitSchedule(request.layers)
    if named is None and not request.measured:
        return None
    if outputs is None:
        return None if named is None else Exits(named.exits, named.shrink_share, "hand")
    policy = policy or NormalizedEntropy()
    costs = measure_exit_costs(stack, outputs.lengths, BATCH_SIZES, policy)
    schedule = named or _pays(costs, outputs.probabilities, policy, speeds, request.most_loss)
    times = predicted_times(costs, schedule, outputs.probabilities, policy, speeds(schedule))
    return Exits(
        schedule.exits,
        schedule.shrink_share,
        "hand" if named else "measurement",
        tuple(one.to_dict() for one in times),
        tuple(one.to_dict() for one in costs),
        {"name": machine(), **threads()},
    )


def _pays(
    costs: Sequence[ExitCosts],
    probabilities: np.ndarray,
    policy: ExitPolicy,
    speeds: Speeds,
    most_loss: float | None,
) -> ExitSchedule:
    """Chooses for the speeds of the server, which hang on the choice: other exits have another curve."""
    judged = {*speeds(ExitSchedule.every_layer(probabilities.shape[1]))}
    seen = []
    while True:
        schedule = choose_exits(costs, probabilities, policy, sorted(judged), most_loss)
        own = {*speeds(schedule)}
        if own == judged or (own in seen and own < judged):
            return schedule
        judged = own | judged if own in seen else own  # in a circle of choices each is judged at the speeds of all
        seen.append(own)


def promise_in_words(version_directory: str | os.PathLike[str]) -> str | None:
    """Says what the certificate of an export promises; None where it has none."""
    return Manifest.read(version_directory).promise


def exits_in_words(version_directory: str | os.PathLike[str]) -> str:
    """Says which branches of an export are on, and what that is predicted to be worth, from its manifest."""
    manifest = Manifest.read(version_directory)
    exits, policy = manifest.exits, "" if manifest.policy is None else f"policy: {manifest.policy['name']}\n"
    if exits is None:
        return f"{policy}exits: all branches are on"
    if len(exits.layers) > 1:
        layers = ", ".join(map(str, exits.layers[:-1]))
        text = f"{policy}exits: after layer {layers} and at the end"
    else:
        text = f"{policy}exits: none, rows run through all layers at every speed"
        if exits.chosen_by == "measurement":
            text += (
                ": on this machine, at the speeds that the server may choose, exits cost more than they save, or rows "
                "that find none more than most_loss allows"
            )
    speeds = {one["speed"] for one in exits.predictions}
    for one in exits.predictions:
        if one["speed"] in (min(speeds), max(speeds)):
            text += (
                f"\n  batch {one['batch_size']}, speed {one['speed']:g}: {one['chosen_ms']:.3f} ms a row predicted "
                f"({one['no_exit_ms']:.3f} if none leaves), all branches {one['every_exit_ms']:.3f}, "
                f"plain encoder {one['plain_ms']:.3f}"
            )
    uncertainty = max((one["uncertainty"] for one in exits.costs), default=0.0)
    if uncertainty > LEAST_GAIN:
        text += f"\n  uncertain by {uncertainty:.0%}: the machine is busy; export again while it is idle"
    return text
