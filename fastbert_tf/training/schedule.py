"""The alternating schedule: fine-tune, self-distil, and again if asked."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import keras

from fastbert_tf.config import StageConfig, TrainingConfig
from fastbert_tf.models import FastBert
from fastbert_tf.training.fine_tuning import FineTuning
from fastbert_tf.training.joint_fine_tuning import JointFineTuning
from fastbert_tf.training.self_distillation import SelfDistillation
from fastbert_tf.training.stage import Stage
from fastbert_tf.training.training_state import Position, SaveState, TrainingState
from fastbert_tf.training.warmup_linear_decay import WarmupLinearDecay


class Batches(Protocol):
    """Training rows as the schedule needs them; `fastbert_tf.data.BatchPipeline` is one."""

    steps_per_epoch: int
    """Batches an epoch."""

    def epoch(self, seed: int, skip: int = 0) -> Any:
        """Returns the epoch's batches in an order that depends on the seed alone, less the first `skip`."""

    def ordered(self) -> Any:
        """Returns every row once, for evaluation."""


@dataclass(frozen=True)
class _Phase:
    name: str
    stage: Callable[[], Stage]
    settings: StageConfig
    batches: Batches


class AlternatingSchedule:
    """Trains a `FastBert` round by round through `compile`, `fit` and `evaluate` (FastBERT, section 4.3).

    Args:
        config: stages, rounds, seed.
        directory: where the run's state is committed; a run of the same configuration that was killed goes on from
            there and ends with the same weights. None uses a temporary directory.
        log_directory: where TensorBoard's event files go, or None.
        verbose: Keras' progress bar: 0 silent, 1 bar, 2 a line an epoch, or `auto`.
    """

    def __init__(
        self,
        config: TrainingConfig,
        directory: str | os.PathLike[str] | None = None,
        log_directory: str | os.PathLike[str] | None = None,
        verbose: int | str = "auto",
    ) -> None:
        self.config = config
        self.directory = directory
        self.log_directory = log_directory
        self.verbose = verbose

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
        phases = self._phases(fastbert, train, train if unlabelled is None else unlabelled)
        with tempfile.TemporaryDirectory() as temporary:
            state = TrainingState(self.directory or temporary, self._settings(phases))
            position = state.position() or Position()
            while position.phase < len(phases):
                phase = phases[position.phase]
                if phase.settings.epochs:
                    position = self._run_phase(phase, position, fastbert, held_out, state)
                position = position.next_phase()
        return list(position.history)

    def _phases(self, fastbert: FastBert, train: Batches, distillation_rows: Batches) -> list[_Phase]:
        config = self.config
        if not config.self_distillation:
            joint = _Phase("joint_fine_tuning", lambda: JointFineTuning(fastbert), config.fine_tuning, train)
            return [joint] * config.rounds
        return [
            _Phase("fine_tuning", lambda: FineTuning(fastbert), config.fine_tuning, train),
            _Phase(
                "self_distillation",
                lambda: SelfDistillation(fastbert, config.divergence),
                config.distillation,
                distillation_rows,
            ),
        ] * config.rounds

    def _settings(self, phases: list[_Phase]) -> dict[str, Any]:
        """What decides the weights at the end: a state of anything else is another run's."""
        return {**self.config.decisive(), "steps_per_epoch": [phase.batches.steps_per_epoch for phase in phases]}

    def _run_phase(
        self, phase: _Phase, position: Position, fastbert: FastBert, held_out: Batches, state: TrainingState
    ) -> Position:
        stage = self._compiled(phase)
        _enter(position, stage, state)
        while position.epoch < phase.settings.epochs:
            logs = self._fit_epoch(phase, stage, position, held_out, state)
            for name in ("loss", f"val_{stage.monitor}"):
                _require_finite(logs[name], name, phase, position)
            entry = {"phase": phase.name, "epoch": position.epoch + 1, **logs}
            position = replace(position, history=(*position.history, entry))
            position = _commit_epoch(stage, position, logs[f"val_{stage.monitor}"], state)
        state.restore_best(position, fastbert)
        return position

    def _compiled(self, phase: _Phase) -> Stage:
        stage = phase.stage()
        settings = phase.settings
        rate = WarmupLinearDecay(
            settings.learning_rate, settings.epochs * phase.batches.steps_per_epoch, settings.warmup
        )
        optimizer = keras.optimizers.AdamW(rate, weight_decay=settings.weight_decay, epsilon=1e-6)
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        optimizer.build(stage.trainable_variables)
        metrics = [keras.metrics.SparseCategoricalAccuracy(name="accuracy")] if stage.monitor == "accuracy" else None
        # XLA doubles the step time on a CPU; under JAX, jit_compile=False would turn compilation off altogether.
        stage.compile(optimizer=optimizer, metrics=metrics, jit_compile=keras.backend.backend() == "jax")
        return stage

    def _fit_epoch(
        self, phase: _Phase, stage: Stage, position: Position, held_out: Batches, state: TrainingState
    ) -> dict[str, float]:
        save = SaveState(state, position, self.config.save_every, phase.batches.steps_per_epoch)
        callbacks = [keras.callbacks.TerminateOnNaN(), save]
        if self.log_directory is not None:
            folder = os.path.join(self.log_directory, f"{position.phase}_{phase.name}")
            callbacks.append(keras.callbacks.TensorBoard(folder))
        fitted = stage.fit(
            phase.batches.epoch(self.config.seed + 1000 * position.phase + position.epoch, skip=position.step),
            validation_data=held_out.ordered(),
            initial_epoch=position.epoch,
            epochs=position.epoch + 1,
            callbacks=callbacks,
            shuffle=False,
            verbose=self.verbose,
        )
        return {**{name: values[-1] for name, values in fitted.history.items()}, "seconds": round(save.seconds, 1)}


def _require_finite(value: float, what: str, phase: _Phase, position: Position) -> None:
    if not math.isfinite(value):
        raise ValueError(
            f"{phase.name} diverged in epoch {position.epoch + 1}: its {what} is {value}; begin again in another "
            f"directory with a lower learning rate of the stage (now {phase.settings.learning_rate}) or in float32"
        )


def _enter(position: Position, stage: Stage, state: TrainingState) -> None:
    """Goes on from the commit where it is of this phase; else the phase starts with a commit of its own."""
    saved = state.position()
    if saved is not None and saved.phase == position.phase:
        state.restore(stage.fastbert, stage.optimizer)
    else:
        state.save(position, stage.fastbert, stage.optimizer)


def _commit_epoch(stage: Stage, position: Position, score: float, state: TrainingState) -> Position:
    epoch = position.epoch
    sign = 1 if stage.higher_is_better else -1
    if position.best_score is None or sign * score > sign * position.best_score:
        position = replace(position, best_epoch=epoch, best_score=score)
        state.save_best(position.phase, epoch, stage.fastbert)
    position = replace(position, epoch=epoch + 1, step=0, seconds=0.0)
    state.save(position, stage.fastbert, stage.optimizer)
    state.forget_stale(position)
    return position
