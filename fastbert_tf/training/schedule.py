"""The alternating schedule: fine-tune, self-distil, and again if asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastbert_tf.config import StageConfig, TrainingConfig
from fastbert_tf.models import FastBert
from fastbert_tf.training.fine_tuning import FineTuning
from fastbert_tf.training.joint_fine_tuning import JointFineTuning
from fastbert_tf.training.optimizers import adamw
from fastbert_tf.training.phases import Batches, Phase, PhaseRunner
from fastbert_tf.training.self_distillation import SelfDistillation
from fastbert_tf.training.stage import Stage


@dataclass(frozen=True)
class AlternatingSchedule(PhaseRunner):
    """Trains a `FastBert` round by round through `compile`, `fit` and `evaluate` (FastBERT, section 4.3)."""

    config: TrainingConfig
    """Stages, rounds, seed."""

    def run(
        self,
        fastbert: FastBert,
        train: Batches,
        held_out: Batches,
        unlabelled: Batches | None = None,
    ) -> list[dict[str, Any]]:
        """Trains in place; after every stage the model holds the weights of the stage's best epoch.

        Args:
            fastbert: the model.
            train: labelled rows.
            held_out: labelled rows that select the best epoch: by accuracy in stage 1, by loss in stage 2.
            unlabelled: what stage 2 distils on; None takes the rows of `train`.

        Returns:
            One entry for each epoch of the run: `phase`, `epoch` counted from 1, `seconds`, Keras' training figures (of
            a resumed epoch, those since then), and the held-out ones with `val_` in front.

        Raises:
            ValueError: a loss is no longer finite, or `directory` holds a run of other settings or another shape.
        """
        phases = self._phases(fastbert, train, train if unlabelled is None else unlabelled, held_out)
        return self.run_phases(phases)

    def _phases(self, fastbert: FastBert, train: Batches, distillation_rows: Batches, held_out: Batches) -> list[Phase]:
        config = self.config

        def phase(name: str, stage: Callable[[], Stage], settings: StageConfig, batches: Batches) -> Phase:
            steps = settings.epochs * batches.steps_per_epoch
            return Phase(
                name, stage, lambda: adamw(settings, steps), settings.learning_rate, settings.epochs, batches, held_out
            )

        if not config.self_distillation:
            joint = phase("joint_fine_tuning", lambda: JointFineTuning(fastbert), config.fine_tuning, train)
            return [joint] * config.rounds
        return [
            phase("fine_tuning", lambda: FineTuning(fastbert), config.fine_tuning, train),
            phase(
                "self_distillation",
                lambda: SelfDistillation(fastbert, config.divergence),
                config.distillation,
                distillation_rows,
            ),
        ] * config.rounds
