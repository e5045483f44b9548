"""Word distillation from the first batch to the last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastbert_tf.config import WordDistillationConfig
from fastbert_tf.models import WordEncoder
from fastbert_tf.training.optimizers import adamw
from fastbert_tf.training.phases import Batches, Phase, PhaseRunner
from fastbert_tf.training.short_epochs import ShortEpochs
from fastbert_tf.training.word_distillation import WordDistillation


@dataclass(frozen=True)
class WordDistillationRun(PhaseRunner):
    """Trains a student beside its teacher; the lowest held-out loss selects the epoch whose weights are kept."""

    config: WordDistillationConfig
    """Epochs, learning rate, seed."""

    def run(
        self, student: WordEncoder, teacher: WordEncoder, train: Batches, held_out: Batches
    ) -> list[dict[str, Any]]:
        """Trains the student in place.

        Args:
            student: with lifts to the teacher's width.
            teacher: without; it is not changed.
            train: batches to learn from, as `WordDistillation` is fitted on.
            held_out: batches that select the epoch.

        Returns:
            One entry for each epoch, as `PhaseRunner.run_phases` returns them.

        Raises:
            ValueError: the models do not fit, the loss is no longer finite, or `directory` holds another run.
        """
        config, settings = self.config, self.config.training
        train, held_out = ShortEpochs(train, config.epoch_steps), ShortEpochs(held_out, config.held_out_steps)
        phase = Phase(
            "word_distillation",
            lambda: WordDistillation(student, teacher, config.layer_map),
            lambda: adamw(settings, settings.epochs * train.steps_per_epoch),
            settings.learning_rate,
            settings.epochs,
            train,
            held_out,
        )
        return self.run_phases([phase])
