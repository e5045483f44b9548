"""Everything a run needs to go on where it was killed."""

from __future__ import annotations

import json
import math
import os
import time
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from fastbert_tf.files import file_swap

_STATE = "state.npz"


@dataclass(frozen=True)
class Position:
    """Where a run stands, and the best epoch of the running phase."""

    phase: int = 0
    """Index in the schedule's list of stages."""
    epoch: int = 0
    """Epoch within the phase, counted from 0."""
    step: int = 0
    """Steps of that epoch that are done."""
    best_epoch: int | None = None
    """Epoch of the phase with the best held-out score so far."""
    best_score: float | None = None
    """That score."""
    seconds: float = 0.0
    """Seconds that those steps took."""
    history: tuple[dict[str, Any], ...] = ()
    """One entry for each finished epoch of the whole run."""

    def next_phase(self) -> Position:
        """Returns the start of the phase after this one."""
        return Position(phase=self.phase + 1, history=self.history)


class TrainingState:
    """Saves and restores weights, optimizer, random state and position, in one file that one rename commits.

    Keras' own `save_weights` and `BackupAndRestore` store no random state and replay the epoch.

    Args:
        directory: where the files lie; made if it does not exist. Temporary files of a killed run are removed.
        settings: what the run was asked to do, as JSON types; a state of other settings is not gone on with.
    """

    def __init__(self, directory: str | os.PathLike[str], settings: Mapping[str, Any]) -> None:
        self.directory = Path(directory)
        self._settings = dict(settings)
        self.directory.mkdir(parents=True, exist_ok=True)
        for leftover in self.directory.glob(".*.partial"):
            leftover.unlink()

    def position(self) -> Position | None:
        """Returns where the saved run stands, or None where nothing is saved.

        Raises:
            ValueError: the file is damaged, or of a run with other settings.
        """
        path = self.directory / _STATE
        if not path.exists():
            return None
        arrays = _read(path)
        self._require_same(path, _json(path, arrays, "settings"))
        saved = _json(path, arrays, "position")
        return Position(**{**saved, "history": tuple(saved["history"])})

    def save(self, position: Position, model: keras.Model, optimizer: keras.Optimizer) -> None:
        """Commits the run's whole state."""
        texts = {"settings": json.dumps(self._settings), "position": json.dumps(asdict(position))}
        arrays = {name: np.asarray(text) for name, text in texts.items()}
        arrays |= _named("variable", model.variables) | _named("optimizer", optimizer.variables)
        _write(self.directory / _STATE, arrays)

    def restore(self, model: keras.Model, optimizer: keras.Optimizer) -> None:
        """Loads variables into a model and a *built* optimizer of the saved run's shape.

        Raises:
            ValueError: the saved variables do not fit.
        """
        path = self.directory / _STATE
        arrays = _read(path)
        _assign(path, arrays, "variable", model.variables)
        _assign(path, arrays, "optimizer", optimizer.variables)

    def save_best(self, phase: int, epoch: int, model: keras.Model) -> None:
        """Keeps the model's variables as those of the phase's best epoch; older ones go at the next commit."""
        _write(self._best(phase, epoch), _named("variable", model.variables))

    def restore_best(self, position: Position, model: keras.Model) -> None:
        """Loads the variables of the position's best epoch."""
        path = self._best(position.phase, position.best_epoch)
        _assign(path, _read(path), "variable", model.variables)

    def forget_stale(self, position: Position) -> None:
        """Removes best epochs that no committed position names."""
        current = self._best(position.phase, position.best_epoch)
        for path in self.directory.glob("best-*.npz"):
            if path != current:
                path.unlink()

    def _require_same(self, path: Path, saved: dict[str, Any]) -> None:
        differing = sorted(
            name for name in self._settings.keys() | saved.keys() if self._settings.get(name) != saved.get(name)
        )
        if differing:
            raise ValueError(
                f"{path} is of a run whose settings differ in {', '.join(differing)}; choose another directory, or "
                "repeat those settings to go on with it"
            )

    def _best(self, phase: int, epoch: int | None) -> Path:
        return self.directory / f"best-{phase}-{epoch}.npz"


class SaveState(keras.callbacks.Callback):
    """Commits the training state every so many steps of an epoch.

    Args:
        state: where to.
        position: where the epoch starts: its `step` counts the batches that were skipped.
        every: steps between commits.
        steps_per_epoch: steps of the epoch; its end is committed with the held-out score, not here.
    """

    def __init__(self, state: TrainingState, position: Position, every: int, steps_per_epoch: int) -> None:
        super().__init__()
        self._steps_per_epoch = steps_per_epoch
        self._state = state
        self._position = position
        self._every = every

        self._started = 0.0

    @property
    def seconds(self) -> float:
        """Seconds of the epoch so far, those before a resume counted."""
        return self._position.seconds + time.monotonic() - self._started

    def on_train_begin(self, logs: Any = None) -> None:
        self._started = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        step = self._position.step + batch + 1
        is_sound = math.isfinite((logs or {}).get("loss", 0.0))  # else the run could only go on from ruins
        if is_sound and step % self._every == 0 and step < self._steps_per_epoch:
            position = replace(self._position, step=step, seconds=self.seconds)
            self._state.save(position, self.model.network, self.model.optimizer)


def _named(prefix: str, variables: list[Any]) -> dict[str, np.ndarray]:
    return {f"{prefix}-{i}": keras.ops.convert_to_numpy(variable) for i, variable in enumerate(variables)}


def _assign(path: Path, arrays: dict[str, np.ndarray], prefix: str, variables: list[Any]) -> None:
    saved = sum(name.startswith(prefix + "-") for name in arrays)
    if saved != len(variables):
        raise ValueError(f"{path} holds {saved} {prefix}s, but this run has {len(variables)}: it is of another run")
    for i, variable in enumerate(variables):
        value = arrays[f"{prefix}-{i}"]
        if value.shape != tuple(variable.shape):
            raise ValueError(f"{path}: {variable.path} has shape {tuple(variable.shape)}, the file {value.shape}")
        variable.assign(value)


def _json(path: Path, arrays: dict[str, np.ndarray], name: str) -> dict[str, Any]:
    if name not in arrays:
        raise ValueError(f"{path} is no training state: it holds no {name}; remove {path.parent} to start the run anew")
    return json.loads(str(arrays[name]))


def _write(path: Path, arrays: dict[str, np.ndarray]) -> None:
    try:
        with file_swap(path) as partial, open(partial, "wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]  # its stub takes the arrays for `allow_pickle`
    except OSError as error:
        raise ValueError(
            f"{path} cannot be written ({error.strerror}); make room there and call again: the run goes on from its "
            "last commit"
        ) from error


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return dict(file)
    except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{path} is no readable training state ({error}); remove {path.parent} to start the run anew"
        ) from error
