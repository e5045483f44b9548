"""Which branches an export asks: all, those that pay, or those that its owner names."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from fastbert_serving.manifest import Exits, Manifest
from fastbert_tf.evaluation import BranchOutputs, choose_exits, measure_exit_costs, predicted_times
from fastbert_tf.inference import ExitSchedule, NormalizedEntropy, Stack

BATCH_SIZES = (1, 32)
"""Rows of a batch: a request alone, and a full batch of a server that is busy."""


@dataclass(frozen=True)
class ExitRequest:
    """What the owner of an export wants."""

    layers: tuple[int, ...] | None = None
    """Layers whose branch is on, counted from 1; None: they are not named."""
    measured: bool = False
    """Whether they are chosen by measurement; else, unless they are named, all are on."""

    @classmethod
    def of(cls, exits: str | Sequence[int] | None) -> ExitRequest:
        """Reads `auto`, `all`, or layer numbers: a list, or text with commas between; None means all.

        Raises:
            ValueError: it is something else.
        """
        if exits is None:
            return cls()
        if isinstance(exits, str) and exits in ("auto", "all"):
            return cls(measured=exits == "auto")
        try:
            return cls(tuple(map(int, exits.split(",")) if isinstance(exits, str) else exits))
        except (TypeError, ValueError):
            raise ValueError(
                f"exits must be auto, all, or layers with commas between, such as 2,4,6, but are {exits!r}"
            ) from None


def choose(request: ExitRequest, stack: Stack, outputs: BranchOutputs | None, speed: float) -> Exits | None:
    """Decides for an export.

    Args:
        request: the owner's wish.
        stack: what is exported; its pieces are timed, on this machine, in a few seconds.
        outputs: answers of all branches for held-out rows; None where there are none.
        speed: default speed of the export, in [0, 1].

    Returns:
        The exits for the manifest; None for all branches.

    Raises:
        ValueError: the layers are not the model's, or exits shall be measured without held-out rows.
    """
    named = None if request.layers is None else ExitSchedule(request.layers).check(stack.num_layers)
    if named is None and not request.measured:
        return None
    if outputs is None:
        if named is None:
            raise ValueError(
                "exits can be chosen by measurement only with the branch outputs of held-out rows; give the folder of "
                "an evaluation by this version, or exits by hand"
            )
        return Exits(named.exits, named.shrink_share, "hand")
    policy = NormalizedEntropy()
    costs = measure_exit_costs(stack, outputs.lengths, BATCH_SIZES)
    schedule = named or choose_exits(costs, outputs.probabilities, policy, speed)
    times = predicted_times(costs, schedule, outputs.probabilities, policy, speed)
    return Exits(
        schedule.exits,
        schedule.shrink_share,
        "hand" if named else "measurement",
        tuple(one.to_dict() for one in times),
        tuple(one.to_dict() for one in costs),
    )


def exits_in_words(version_directory: str | os.PathLike[str]) -> str:
    """Says which branches of an export are on, and what that is predicted to be worth, from its manifest."""
    exits = Manifest.read(version_directory).exits
    if exits is None:
        return "exits: all branches are on"
    if len(exits.layers) > 1:
        layers = ", ".join(map(str, exits.layers[:-1]))
        text = f"exits: after layer {layers} and at the end"
    else:
        text = "exits: none, rows run through all layers at every speed"
        if exits.chosen_by == "measurement":
            text += ": on this machine, at the default speed, exits cost more than they save"
    for one in exits.predictions:
        text += (
            f"\n  batch {one['batch_size']}, speed {one['speed']:g}: {one['chosen_ms']:.3f} ms a row predicted "
            f"({one['no_exit_ms']:.3f} if none leaves), all branches {one['every_exit_ms']:.3f}, "
            f"plain encoder {one['plain_ms']:.3f}"
        )
    return text
