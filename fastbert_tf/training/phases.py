"""Runs training phases one after another, and goes on where a killed run stopped."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import keras

from fastbert_tf.config import RunConfig
from fastbert_tf.training.stage import Stage
from fastbert_tf.training.training_state import Position, SaveState, TrainingState


class Batches(Protocol):
    """Training rows as a phase needs them; `fastbert_tf.data.BatchPipeline` is one."""

    steps_per_epoch: int
    """Batches an epoch."""

    def epoch(self, seed: int, skip: int = 0) -> Any:
        """Returns the epoch's batches in an order that depends on the seed alone, less the first `skip`."""

    def ordered(self) -> Any:
        """Returns every row once, for evaluation."""


@dataclass(frozen=True)
class Phase:
    """A stage that is fitted for some epochs; afterwards its network holds the weights of the best one."""

    name: str
    """Of the phase, in histories and TensorBoard's folders."""
    stage: Callable[[], Stage]
    """Makes the stage."""
    optimizer: Callable[[], keras.Optimizer]
    """Makes its optimizer."""
    learning_rate: float
    """The highest learning rate, for messages."""
    epochs: int
    """Passes over `batches`; 0 skips the phase."""
    batches: Batches
    """What is learned from."""
    held_out: Batches
    """What selects the best epoch."""


@dataclass(frozen=True)
class PhaseRunner:
    """Trains phase by phase through `compile`, `fit` and `evaluate`; subclasses know which phases."""

    config: RunConfig
    """Stages, seed, steps between resumable states, and all else that decides the weights."""
    directory: str | os.PathLike[str] | None = None
    """Where the run's state is committed; a run of the same configuration that was killed goes on from there and ends
    with the same weights. None uses a temporary directory."""
    log_directory: str | os.PathLike[str] | None = None
    """Where TensorBoard's event files go, or None."""
    verbose: int | str = "auto"
    """Keras' progress bar: 0 silent, 1 bar, 2 a line an epoch, or `auto`."""
    observe: Callable[[keras.Model], dict[str, Any]] | None = None
    """Looks at the network after each epoch, as it is then; what it returns, as JSON types, joins the epoch's entry. It
    must not change the network. None: nothing looks."""

    def run_phases(self, phases: Sequence[Phase]) -> list[dict[str, Any]]:
        """Trains in place.

        Args:
            phases: what to train, in order.

        Returns:
            One entry for each epoch of the run: `phase`, `epoch` counted from 1, `seconds`, Keras' training figures (of
            a resumed epoch, those since then), and the held-out ones with `val_` in front.

        Raises:
            ValueError: a loss is no longer finite, or `directory` holds a run of other settings or another shape.
        """
        settings = {**self.config.decisive(), "steps_per_epoch": [phase.batches.steps_per_epoch for phase in phases]}
        with tempfile.TemporaryDirectory() as temporary:
            state = TrainingState(self.directory or temporary, settings)
            position = state.position() or Position()
            while position.phase < len(phases):
                phase = phases[position.phase]
                if phase.epochs:
                    position = self._run_phase(phase, position, state)
                position = position.next_phase()
        return list(position.history)

    def _run_phase(self, phase: Phase, position: Position, state: TrainingState) -> Position:
        stage = _compiled(phase)
        _enter(position, stage, state)
        while position.epoch < phase.epochs:
            logs = self._fit_epoch(phase, stage, position, state)
            for name in ("loss", f"val_{stage.monitor}"):
                _require_finite(logs[name], name, phase, position)
            seen = self.observe(stage.network) if self.observe else {}
            entry = {"phase": phase.name, "epoch": position.epoch + 1, **logs, **seen}
            position = replace(position, history=(*position.history, entry))
            position = _commit_epoch(stage, position, logs[f"val_{stage.monitor}"], state)
        state.restore_best(position, stage.network)
        return position

    def _fit_epoch(self, phase: Phase, stage: Stage, position: Position, state: TrainingState) -> dict[str, float]:
        save = SaveState(state, position, self.config.save_every, phase.batches.steps_per_epoch)
        callbacks = [keras.callbacks.TerminateOnNaN(), save]
        if self.log_directory is not None:
            folder = os.path.join(self.log_directory, f"{position.phase}_{phase.name}")
            callbacks.append(keras.callbacks.TensorBoard(folder))
        fitted = stage.fit(
            phase.batches.epoch(self.config.seed + 1000 * position.phase + position.epoch, skip=position.step),
            validation_data=phase.held_out.ordered(),
            initial_epoch=position.epoch,
            epochs=position.epoch + 1,
            callbacks=callbacks,
            shuffle=False,
            verbose=self.verbose,
        )
        return {**{name: values[-1] for name, values in fitted.history.items()}, "seconds": round(save.seconds, 1)}


def _compiled(phase: Phase) -> Stage:
    stage, optimizer = phase.stage(), phase.optimizer()
    optimizer.build(stage.trainable_variables)
    metrics = [keras.metrics.SparseCategoricalAccuracy(name="accuracy")] if stage.monitor == "accuracy" else None
    # XLA doubles the step time on a CPU; under JAX, jit_compile=False would turn compilation off altogether.
    stage.compile(optimizer=optimizer, metrics=metrics, jit_compile=keras.backend.backend() == "jax")
    return stage


def _require_finite(value: float, what: str, phase: Phase, position: Position) -> None:
    if not math.isfinite(value):
        raise ValueError(
            f"{phase.name} diverged in epoch {position.epoch + 1}: its {what} is {value}; begin again in another "
            f"directory with a lower learning rate of the stage (now {phase.learning_rate}) or in float32"
        )


def _enter(position: Position, stage: Stage, state: TrainingState) -> None:
    """Goes on from the commit where it is of this phase; else the phase starts with a commit of its own."""
    saved = state.position()
    if saved is not None and saved.phase == position.phase:
        state.restore(stage.network, stage.optimizer)
    else:
        state.save(position, stage.network, stage.optimizer)


def _commit_epoch(stage: Stage, position: Position, score: float, state: TrainingState) -> Position:
    epoch = position.epoch
    sign = 1 if stage.higher_is_better else -1
    if position.best_score is None or sign * score > sign * position.best_score:
        position = replace(position, best_epoch=epoch, best_score=score)
        state.save_best(position.phase, epoch, stage.network)
    position = replace(position, epoch=epoch + 1, step=0, seconds=0.0)
    state.save(position, stage.network, stage.optimizer)
    state.forget_stale(position)
    return position
