"""Epochs of a chosen length."""

from __future__ import annotations

from typing import Any

from fastbert_tf.training.phases import Batches


class ShortEpochs:
    """Cuts every epoch off after some batches; the next one draws from all rows anew.

    A corpus takes hours to read once, and a run wants to be looked at and saved more often.

    Args:
        batches: what is cut; every epoch is a `tf.data.Dataset`, shuffled by its seed.
        steps: batches of an epoch, at least 1; None or more than there are takes all.

    Attributes:
        steps_per_epoch: batches of an epoch.
    """

    def __init__(self, batches: Batches, steps: int | None) -> None:
        if steps is not None and steps < 1:
            raise ValueError(f"steps must be at least 1, but is {steps}")
        self.batches = batches
        self.steps_per_epoch = batches.steps_per_epoch if steps is None else min(steps, batches.steps_per_epoch)

    def epoch(self, seed: int, skip: int = 0) -> Any:
        """Returns the first batches of the epoch of this seed, less the first `skip`."""
        return self.batches.epoch(seed, skip).take(self.steps_per_epoch - skip)

    def ordered(self) -> Any:
        """Returns the first batches of one epoch: shuffled, so that they are a fair sample, and full."""
        return self.epoch(0)
