"""The folder of one training run."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastbert_tf.files import file_swap


class RunDirectory:
    """Names what lies where in a run's folder, and keeps two different runs apart.

    `settings.json` says what was asked for, `import.json` what a checkpoint brought, `classifier/` (or another name) is
    the trained model, `history.json` its epochs, `tensorboard/` its event files, `state/` the resumable state while the
    run is unfinished.

    Args:
        path: the folder; made when it is claimed.
        result: name of the trained model in it.
    """

    def __init__(self, path: str | os.PathLike[str], result: str = "classifier") -> None:
        self.path = Path(path)
        self.result = self.path / result
        self.state = self.path / "state"
        self.tensorboard = self.path / "tensorboard"
        self._lock: Any = None

    @property
    def is_finished(self) -> bool:
        """Whether the trained model is there."""
        return self.result.is_dir()

    def claim(self, settings: dict[str, Any]) -> None:
        """Takes the folder for a run with these settings, until the process ends.

        Raises:
            ValueError: it holds a run with other settings, another process trains there, or it cannot be written.
        """
        settings = json.loads(json.dumps(settings))
        self._refuse_other(settings)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = open(self.path / ".lock", "w")  # noqa: SIM115 - held, not read
        except OSError as error:
            raise ValueError(
                f"the output directory {self.path} cannot be written ({error.strerror}); choose another"
            ) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ValueError(f"another process trains in {self.path}; wait for it or choose another folder") from error
        self._write("settings.json", settings)

    def complete(self, train: Callable[[], list[dict[str, Any]]], save: Callable[[Path], Any]) -> None:
        """Trains and saves, unless that was done before; afterwards the folder holds the trained model.

        Args:
            train: trains, and returns one entry for each epoch.
            save: writes the trained model into the folder that it is given.
        """
        if self.is_finished:
            print(f"{self.result} is trained already")
        else:
            self._write("history.json", train())  # before the trained model appears, since that ends the run
            save(self.result)
        shutil.rmtree(self.state, ignore_errors=True)

    def record_import(self, report: dict[str, Any]) -> None:
        """Writes down which tensors of a checkpoint found no place."""
        self._write("import.json", report)

    def _refuse_other(self, settings: dict[str, Any]) -> None:
        path = self.path / "settings.json"
        if not path.exists():
            return
        try:
            there = _flat(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, AttributeError) as error:
            raise ValueError(f"{path} is damaged ({error}); choose another output directory") from error
        here = _flat(settings)
        differing = sorted(key for key in here.keys() | there.keys() if here.get(key) != there.get(key))
        if differing:
            raise ValueError(
                f"{self.path} holds a run whose settings differ in {', '.join(differing)}; "
                "choose another output directory, or repeat those settings to go on with it"
            )

    def _write(self, name: str, value: Any) -> None:
        path = self.path / name
        try:
            with file_swap(path) as partial:
                partial.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise ValueError(f"{path} cannot be written ({error.strerror}); make room there and call again") from error


def _flat(settings: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Names nested settings with dots."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat
