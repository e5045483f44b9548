"""The thread that loads and unloads versions while others serve."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from functools import partial
from operator import itemgetter
from pathlib import Path

from absl import logging

from fastbert_serving.backend import VersionState
from fastbert_serving.errors import ModelError, ServerUnavailable
from fastbert_serving.manifest import ManifestError
from fastbert_serving.models.managed_model import ManagedModel
from fastbert_serving.models.model_version import ModelVersion
from fastbert_serving.models.servable import Servable
from fastbert_serving.models.version_files import find_versions

Load = Callable[[Path], Servable]
"""Loads and warms up a version directory."""

CLOSE_SECONDS = 30.0
"""A call or load that lasts longer does not hold up the end."""


class VersionManager:
    """Looks for versions, and brings them where their models want them, one step at a time.

    Args:
        load: loads and warms up a version directory.
        poll_seconds: seconds between two looks for new versions; 0 for none.
        max_load_retries: attempts to load a version after the first that failed.
        load_retry_seconds: seconds between two attempts.

    Attributes:
        lock: guards every managed model; it is notified when a version's state changes.
        models: the managed models.
        may_unload: whether versions may be unloaded now.
        is_closing: whether `close` was called.
    """

    def __init__(self, load: Load, poll_seconds: float, max_load_retries: int, load_retry_seconds: float) -> None:
        self.lock = threading.Condition(threading.Lock())
        self.models: list[ManagedModel] = []
        self.may_unload = True
        self._load_version = load
        self._poll_seconds = poll_seconds or math.inf
        self._max_load_retries = max_load_retries
        self._load_retry_seconds = load_retry_seconds
        self._next_poll = time.monotonic() + self._poll_seconds
        self._poll_problems: dict[str, str] = {}
        self.is_closing = False
        self._thread = threading.Thread(target=self._run, name="version-manager", daemon=True)

    def start(self) -> None:
        """Begins to work."""
        self._thread.start()

    def close(self, grace_seconds: float = CLOSE_SECONDS) -> None:
        """Unloads everything as calls in progress end, and returns when that is done.

        Args:
            grace_seconds: time after which it returns anyway.
        """
        with self.lock:
            self.is_closing = True
            for model in self.models:
                model.retire()
            self.lock.notify_all()
        if self._thread.ident is not None:
            self._thread.join(grace_seconds)

    def _run(self) -> None:
        while (step := self._wait_for_step()) is not None:
            step()

    def _wait_for_step(self) -> Callable[[], None] | None:
        with self.lock:
            while True:
                now = time.monotonic()
                due, step = self._next_step(now)
                if self.is_closing and not self.models:
                    return None
                if due <= now:
                    return step
                self.lock.wait(None if math.isinf(due) else due - now)

    def _next_step(self, now: float) -> tuple[float, Callable[[], None]]:
        """Returns what to do next, and from when on."""
        self.models = [model for model in self.models if model.versions or not model.is_retired]
        steps: list[tuple[float, Callable[[], None]]] = [(self._next_poll, self._poll)]
        for model in self.models:
            unused = model.unloadable() if self.may_unload else None
            if unused is not None:
                return now, partial(self._unload, model, unused)
            version = model.loadable()
            if version is not None:
                steps.append((version.retry_at, partial(self._load, model, version)))
        return min(steps, key=itemgetter(0))

    def _poll(self) -> None:
        with self.lock:
            directories = {model.config.base_path for model in self.models if not model.is_retired}
        for directory in sorted(directories):
            try:
                found = find_versions(Path(directory))
            except ModelError as error:
                self._report(directory, f"{error}; its versions stay as they are")
                continue
            self._report(directory, "" if found else f"model directory {directory} holds no numbered version")
            with self.lock:
                for model in self.models:
                    if model.config.base_path == directory:
                        model.update(found)
        self._next_poll = time.monotonic() + self._poll_seconds

    def _report(self, directory: str, problem: str) -> None:
        """Logs a problem when it begins, not at every look."""
        if problem and problem != self._poll_problems.get(directory):
            logging.warning("%s", problem)
        self._poll_problems[directory] = problem

    def _load(self, model: ManagedModel, version: ModelVersion) -> None:
        with self.lock:
            if version.state is not VersionState.START:  # no longer wanted
                return
            version.state = VersionState.LOADING
            version.attempts += 1
        began = time.monotonic()
        try:
            servable = self._load_version(version.directory)
        except Exception as error:
            self._failed(model, version, _plain(error, version.directory))
            return
        logging.info("%s version %d: loaded in %.1f s", model.config.name, version.number, time.monotonic() - began)
        with self.lock:
            model.loaded(version, servable)
            self.lock.notify_all()

    def _failed(self, model: ManagedModel, version: ModelVersion, error: Exception) -> None:
        last = version.attempts > self._max_load_retries
        retry_at = None if last else time.monotonic() + self._load_retry_seconds
        outlook = "given up" if last else f"next attempt in {self._load_retry_seconds:g} s"
        log = logging.info if isinstance(error, ServerUnavailable) else logging.error  # no fault where the server stops
        log("%s version %d: %s (%s)", model.config.name, version.number, error, outlook)
        with self.lock:
            model.failed(version, error, retry_at)
            self.lock.notify_all()

    def _unload(self, model: ManagedModel, version: ModelVersion) -> None:
        try:
            if version.servable is not None:
                version.servable.close()
            logging.info("%s version %d: unloaded", model.config.name, version.number)
        except Exception:  # the thread goes on: other versions need it
            logging.exception("%s version %d: unloading failed", model.config.name, version.number)
        with self.lock:
            model.unloaded(version)
            self.lock.notify_all()


def _plain(error: Exception, directory: Path) -> Exception:
    """Makes an error that holds no frames, and with them no half-loaded model, in memory."""
    if isinstance(error, (ModelError, ManifestError, ServerUnavailable)):
        return type(error)(str(error))
    logging.error("model %s", directory, exc_info=error)
    return ModelError(f"model {directory} cannot be loaded: {' '.join(repr(error).split())}; the log has the details")
