"""Load control for every model of a server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
from absl import logging

from fastbert_serving.backend import ServedVersion
from fastbert_serving.control.control_state import ControlState
from fastbert_serving.control.cost_curve import CostCurve
from fastbert_serving.control.load_controller import LoadController
from fastbert_serving.manifest import Manifest

MOST_VERSIONS = 8
"""Versions of a model that are remembered; the one not called for longest is forgotten first."""
CALLED_SECONDS = 10.0
"""A version whose last call is older than the model's by this has been replaced."""


@dataclass
class _Version:
    """A version that is called."""

    manifest: Manifest | None
    controller: LoadController | None
    called: float
    """When it last was."""


class ModelControl:
    """A `SpeedControl`: one `LoadController` for each version that answers.

    A new version, or one whose manifest has become another, starts with what the one before it has learned. A version
    whose manifest is missing or has no curve or no lowest accuracy keeps its own speed, and the log says why, once.
    May be used from any thread.

    Args:
        target_p99_seconds: where the 99th percentile of the time in the server shall stay.
        clock: gives the time, in seconds.

    Raises:
        ValueError: the target is not positive.
    """

    def __init__(
        self,
        target_p99_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not target_p99_seconds > 0:
            raise ValueError(f"target_p99_seconds must be positive, but is {target_p99_seconds}")
        self.target_p99_seconds = target_p99_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._versions: dict[str, dict[int, _Version]] = {}
        self._in_use: dict[str, LoadController] = {}
        self._logged: set[str] = set()

    def admit(
        self, served: ServedVersion, rows: int, speeds: np.ndarray | None
    ) -> AbstractContextManager[float | None]:
        """Watches a call from its arrival to its end; an exception in between is an end without an answer.

        Args:
            served: the version that it is for.
            rows: its rows, at least 1.
            speeds: speed of each row where the call names them, shape (rows,); None where control may.

        Returns:
            A context of the speed for the call; of None for the call's or the model's own.
        """
        controller = self._controller(served)
        return nullcontext(None) if controller is None else controller.admit(rows, speeds)

    def states(self) -> Mapping[str, ControlState]:
        """Returns where control stands, by name of the model: of its version with the most load.

        A version that is called no more, while another is, does not count. Models without control are missing.
        """
        with self._lock:
            called = {name: _still_called([*versions.values()]) for name, versions in self._versions.items()}
        states = {name: [one.state for one in controllers] for name, controllers in called.items()}
        return {name: max(found, key=lambda state: state.arrival_rate) for name, found in states.items() if found}

    def _controller(self, served: ServedVersion) -> LoadController | None:
        with self._lock:
            versions, now = self._versions.setdefault(served.name, {}), self._clock()
            known = versions.get(served.version)
            if known is None or known.manifest != served.manifest:
                known = versions[served.version] = _Version(served.manifest, self._new(served), now)
                if len(versions) > MOST_VERSIONS:
                    del versions[min(versions, key=lambda number: versions[number].called)]
            known.manifest, known.called = served.manifest, now  # the same object is quickly compared
            if known.controller is not None:
                self._in_use[served.name] = known.controller
            return known.controller

    def _new(self, served: ServedVersion) -> LoadController | None:
        try:
            return self._controller_of(served)
        except ValueError as error:
            words = f"load control is off for model {served.name} version {served.version}: {error}"
            if words not in self._logged:
                self._logged.add(words)
                logging.warning("%s", words)
            return None

    def _controller_of(self, served: ServedVersion) -> LoadController:
        manifest = served.manifest
        if manifest is None:
            raise ValueError("it has no manifest; export it with fastbert export")
        lowest = manifest.lowest_accuracy
        if lowest is None:
            raise ValueError(
                "the manifest has no lowest_accuracy, so that no speed but its own is allowed; export with "
                "--lowest_accuracy"
            )
        return LoadController(
            CostCurve.from_manifest(manifest),
            manifest.default_speed,
            lowest,
            self.target_p99_seconds,
            self._clock,
            self._in_use.get(served.name),
        )


def _still_called(versions: Sequence[_Version]) -> list[LoadController]:
    latest = max(one.called for one in versions)
    return [one.controller for one in versions if one.controller is not None and one.called >= latest - CALLED_SECONDS]
