"""Pretraining of a student, alone or beside its teacher."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastbert_tf.config import PretrainingConfig
from fastbert_tf.models import DualMaskedLm, MaskedLm
from fastbert_tf.training.dual_training import DualTraining
from fastbert_tf.training.masked_lm_run import pretraining_phase, shortened
from fastbert_tf.training.masked_lm_training import MaskedLmTraining
from fastbert_tf.training.optimizers import adamw
from fastbert_tf.training.phases import Batches, Phase, PhaseRunner


@dataclass(frozen=True)
class Pretraining(PhaseRunner):
    """Warms up the teacher's head, then trains ("Extreme Language Model Compression", section 4.1).

    Batches are the dicts that `DualTraining` and `MaskedLmTraining` are fitted on. The lowest held-out loss of the
    student selects the epoch whose weights are kept.
    """

    config: PretrainingConfig
    """Variant, epochs, learning rates, seed."""

    def run(
        self,
        network: MaskedLm | DualMaskedLm,
        train: Batches,
        held_out: Batches,
        head_train: Batches | None = None,
        head_held_out: Batches | None = None,
    ) -> list[dict[str, Any]]:
        """Trains in place.

        Args:
            network: the student alone for `no_kd`, else teacher and student.
            train: batches to learn from.
            held_out: batches that select the epoch.
            head_train: batches whose teacher side is in the teacher's vocabulary alone (p_dt 0), which warm up its
                head; needed where the configuration has epochs for it and there is a teacher.
            head_held_out: batches that select the epoch of the warm-up.

        Returns:
            One entry for each epoch, as `PhaseRunner.run_phases` returns them.

        Raises:
            ValueError: the network does not fit the variant, batches for the head are missing, a loss is no longer
                finite, or `directory` holds another run.
        """
        phases = self._phases(network, train, held_out, head_train, head_held_out)
        return self.run_phases(phases)

    def _phases(
        self,
        network: MaskedLm | DualMaskedLm,
        train: Batches,
        held_out: Batches,
        head_train: Batches | None,
        head_held_out: Batches | None,
    ) -> list[Phase]:
        config = self.config
        is_dual = isinstance(network, DualMaskedLm)
        if is_dual == (config.variant == "no_kd") or (is_dual and network.direction != config.direction):
            raise ValueError(
                f"the variant {config.variant} does not fit this {type(network).__name__}: no_kd trains the student "
                "alone, the others a DualMaskedLm of their direction"
            )
        if not is_dual or not config.head_warmup.epochs:
            return [self._training_phase(network, train, held_out)]
        if head_train is None or head_held_out is None:
            raise ValueError("the teacher's head is to be warmed up, but there are no batches for it; give them")
        return [
            self._head_phase(network.teacher, head_train, head_held_out),
            self._training_phase(network, train, held_out),
        ]

    def _head_phase(self, teacher: MaskedLm, train: Batches, held_out: Batches) -> Phase:
        settings, share = self.config.head_warmup, self.config.prediction_share
        train, held_out = shortened(self.config, train, held_out)
        return Phase(
            "head_warmup",
            lambda: MaskedLmTraining(teacher, "teacher", share, head_only=True),
            lambda: adamw(settings, settings.epochs * train.steps_per_epoch),
            settings.learning_rate,
            settings.epochs,
            train,
            held_out,
        )

    def _training_phase(self, network: MaskedLm | DualMaskedLm, train: Batches, held_out: Batches) -> Phase:
        config = self.config

        def stage() -> MaskedLmTraining | DualTraining:
            if config.variant == "no_kd":
                return MaskedLmTraining(network, "student", config.prediction_share)
            return DualTraining(network, config.epsilon, config.p_dt, config.prediction_share, config.train_teacher)

        return pretraining_phase(config.variant, stage, config, train, held_out)
