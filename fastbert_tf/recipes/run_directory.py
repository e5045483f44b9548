"""The folder of one training run."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any


class RunDirectory:
    """Names what lies where in a run's folder, and keeps two different runs apart.

    `settings.json` says what was asked for, `classifier/` is the trained model, `history.json` its epochs,
    `tensorboard/` its event files, `state/` the resumable state while the run is unfinished.

    Args:
        path: the folder; made when it is claimed.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.classifier = self.path / "classifier"
        self.state = self.path / "state"
        self.tensorboard = self.path / "tensorboard"

    @property
    def is_finished(self) -> bool:
        """Whether the trained model is there."""
        return self.classifier.is_dir()

    def refuse_other(self, settings: dict[str, Any]) -> None:
        """Makes sure that the folder holds no run with other settings.

        Raises:
            ValueError: it does; the message names the settings that differ.
        """
        path = self.path / "settings.json"
        if not path.exists():
            return
        there, here = json.loads(path.read_text()), json.loads(json.dumps(settings))
        differing = sorted(key for key in here.keys() | there.keys() if here.get(key) != there.get(key))
        if differing:
            raise ValueError(
                f"{self.path} holds a run whose settings differ in {', '.join(differing)}; "
                "choose another output directory, or repeat those settings to go on with it"
            )

    def claim(self, settings: dict[str, Any]) -> None:
        """Makes the folder and records what was asked for.

        Raises:
            ValueError: the folder cannot be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._write("settings.json", settings)
        except OSError as error:
            raise ValueError(
                f"the output directory {self.path} cannot be written ({error.strerror}); choose another"
            ) from error

    def finish(self, history: list[dict[str, Any]]) -> None:
        """Records the epochs and removes the resumable state."""
        self._write("history.json", history)
        shutil.rmtree(self.state, ignore_errors=True)

    def _write(self, name: str, value: Any) -> None:
        temporary = self.path / f".{name}.tmp"
        temporary.write_text(json.dumps(value, indent=2) + "\n")
        os.replace(temporary, self.path / name)
