"""Pretraining of one masked language model, and the phase that all pretraining with LAMB shares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastbert_tf.config import MaskedLmConfig
from fastbert_tf.models import MaskedLm
from fastbert_tf.training.masked_lm_training import MaskedLmTraining
from fastbert_tf.training.optimizers import lamb
from fastbert_tf.training.phases import Batches, Phase, PhaseRunner
from fastbert_tf.training.short_epochs import ShortEpochs
from fastbert_tf.training.stage import Stage


@dataclass(frozen=True)
class MaskedLmRun(PhaseRunner):
    """Trains a masked language model; the lowest held-out loss selects the epoch whose weights are kept.

    Batches are the dicts of `student_ids`, `student_mask` and `student_labels` that `MaskedLmTraining` is fitted on.
    """

    config: MaskedLmConfig
    """Epochs, learning rate, seed."""

    def run(self, network: MaskedLm, train: Batches, held_out: Batches) -> list[dict[str, Any]]:
        """Trains in place.

        Args:
            network: the model, new or trained before.
            train: batches to learn from.
            held_out: batches that select the epoch.

        Returns:
            One entry for each epoch, as `PhaseRunner.run_phases` returns them.

        Raises:
            ValueError: a loss is no longer finite, or `directory` holds another run.
        """

        def stage() -> MaskedLmTraining:
            return MaskedLmTraining(network, "student", self.config.prediction_share)

        return self.run_phases([pretraining_phase("masked_lm", stage, self.config, train, held_out)])


def pretraining_phase(
    name: str, stage: Callable[[], Stage], config: MaskedLmConfig, train: Batches, held_out: Batches
) -> Phase:
    """Returns a phase with LAMB and the configuration's epochs."""
    train, held_out = shortened(config, train, held_out)
    epochs = config.training.epochs
    return Phase(
        name,
        stage,
        lambda: lamb(config, epochs * train.steps_per_epoch),
        config.scaled_learning_rate,
        epochs,
        train,
        held_out,
    )


def shortened(config: MaskedLmConfig, train: Batches, held_out: Batches) -> tuple[Batches, Batches]:
    """Cuts the epochs of both to the configuration's steps."""
    return ShortEpochs(train, config.epoch_steps), ShortEpochs(held_out, config.held_out_steps)
