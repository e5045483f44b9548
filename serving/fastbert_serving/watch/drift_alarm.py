"""Tells when rows leave at other layers than the export's evaluation saw: the inputs have changed."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
from absl import logging
from prometheus_client.core import GaugeMetricFamily

from fastbert_serving.backend import ServedVersion
from fastbert_serving.manifest import Manifest
from fastbert_serving.watch.exit_curve import ExitCurve

FALSE_ALARM_PROBABILITY = 1e-6
MAX_VERSIONS = 64
"""Versions watched; beyond, the one that has not answered for longest is forgotten."""
EXPOSED_SECONDS = 900.0
"""A version that has not answered for longer is not exposed: it may have been replaced, and so will never be judged
again."""

_LABELS = ("model_name", "version")


class _Watched:
    """A version of a model under watch."""

    def __init__(self, manifest: Manifest | None, curve: ExitCurve) -> None:
        self.manifest = manifest
        self.curve = curve
        self.answered = 0.0  # when it last did
        self.drift: float | None = None
        self.is_alarmed = False
        self.forget()

    def forget(self) -> None:
        """Begins a new window."""
        self.rows = 0
        self.answers: list[tuple[np.ndarray, np.ndarray]] = []  # (speeds, exit layers) of each request

    def distance(self) -> float:
        """Returns the total variation distance between the window's exit layers and the curve's."""
        speeds, layers = (np.concatenate(arrays) for arrays in zip(*self.answers, strict=True))
        last = self.curve.layers
        observed = np.bincount(np.clip(layers, 0, last + 1), minlength=last + 2)  # at both ends: no layer of the model
        expected = np.pad(self.curve.expected(speeds), 1)
        return float(abs(observed - expected).sum() / 2 / self.rows)


class DriftAlarm:
    """Compares the layers at which rows leave with the manifest's curve, one window of rows after the other.

    The measure is the total variation distance between the observed shares of the layers and those expected at the
    rows' own speeds: the share of rows that left elsewhere. A chi-square or G-test would not do: with enough rows it
    finds every difference, however harmless. So the alarm asks two things: is the distance larger than `tolerance`,
    the size that matters, and by more than chance explains? For n rows here, m rows in the evaluation and L layers,
    two samples of one distribution are apart by at most sqrt((L - 1)(1/n + 1/m)) / 2 on average (Cauchy-Schwarz), and
    by t more than that with a probability of at most exp(-2 t^2 / (1/n + 1/m)) (McDiarmid's inequality); `t` is taken
    so that this is one in a million windows.

    It is also a collector of Prometheus metrics, of the versions that have answered in the last 15 minutes.

    Args:
        window_rows: rows of a window.
        tolerance: total variation distance that is no reason for an alarm, in [0, 1].
        clock: gives the time, in seconds.

    Raises:
        ValueError: an argument breaks its rule.
    """

    def __init__(
        self, window_rows: int = 5000, tolerance: float = 0.05, clock: Callable[[], float] = time.monotonic
    ) -> None:
        if window_rows < 1:
            raise ValueError(f"window_rows must be at least 1, but is {window_rows}")
        if not 0 <= tolerance <= 1:
            raise ValueError(f"tolerance must be in [0, 1], but is {tolerance}")
        self.window_rows = window_rows
        self.tolerance = tolerance
        self._clock = clock
        self._lock = threading.Lock()
        self._versions: dict[tuple[str, int], _Watched] = {}

    def observe(self, served: ServedVersion, speeds: np.ndarray, exit_layers: np.ndarray) -> None:
        """Takes note of answered rows; they are compared when the window is full, not on every request's time.

        Args:
            served: the version that answered; one without a curve of exit layers is not watched.
            speeds: speed of each row, in [0, 1], shape (rows,).
            exit_layers: layer that answered each row, from 1, shape (rows,).
        """
        with self._lock:
            watched = self._watched(served)
            if watched is None:
                return
            watched.answers.append((speeds, exit_layers))
            watched.rows += len(exit_layers)
            if watched.rows >= self.window_rows:
                self._judge(served, watched)
                watched.forget()

    def threshold(self, rows: int, curve: ExitCurve) -> float:
        """Returns the distance above which the alarm goes off.

        Args:
            rows: rows observed.
            curve: what the evaluation saw.
        """
        spread = 1 / rows + 1 / curve.rows
        mean = math.sqrt((curve.layers - 1) * spread) / 2
        return self.tolerance + mean + math.sqrt(math.log(1 / FALSE_ALARM_PROBABILITY) / 2 * spread)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yields the distance and the alarm of every watched version that answers, for an exposition."""
        drift = GaugeMetricFamily(
            "fastbert_exit_layer_drift",
            "Total variation distance between exit layers of the last window and the manifest's.",
            labels=_LABELS,
        )
        alarm = GaugeMetricFamily(
            "fastbert_exit_layer_drift_alarm", "1 where that distance is an alarm.", labels=_LABELS
        )
        with self._lock:
            oldest = self._clock() - EXPOSED_SECONDS
            for (name, version), watched in self._versions.items():
                if watched.drift is not None and watched.answered >= oldest:
                    drift.add_metric((name, str(version)), watched.drift)
                    alarm.add_metric((name, str(version)), float(watched.is_alarmed))
        yield drift
        yield alarm

    def _watched(self, served: ServedVersion) -> _Watched | None:
        """Returns the watch over a version, which has none without a curve; another manifest begins it anew."""
        key = (served.name, served.version)
        watched = self._versions.get(key)
        if watched is None or watched.manifest != served.manifest:
            curve = ExitCurve.of(served.manifest)
            if curve is None:
                return None
            watched = self._versions[key] = _Watched(served.manifest, curve)
        watched.manifest, watched.answered = served.manifest, self._clock()  # the same object is quickly compared
        if len(self._versions) > MAX_VERSIONS:
            del self._versions[min(self._versions, key=lambda known: self._versions[known].answered)]
        return watched

    def _judge(self, served: ServedVersion, watched: _Watched) -> None:
        watched.drift = watched.distance()
        threshold = self.threshold(watched.rows, watched.curve)
        was_alarmed, watched.is_alarmed = watched.is_alarmed, watched.drift > threshold
        if watched.is_alarmed != was_alarmed:
            logging.warning(
                "exit layers of model %s version %d %s the manifest's: distance %.3f, threshold %.3f, %d rows",
                served.name,
                served.version,
                "have drifted from" if watched.is_alarmed else "are again near",
                watched.drift,
                threshold,
                watched.rows,
            )
