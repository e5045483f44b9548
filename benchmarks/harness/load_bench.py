"""One model under load: its reference answers, the capacity of an arm, and an arm under a profile of rates."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fastbert_serving import Client, Manifest
from harness.arrivals import Phase
from harness.capacity import find_capacity
from harness.load_figures import Summary, summarise, time_line
from harness.metrics_page import SpeedRecorder
from harness.open_loop import offer_load, predict_request
from harness.serving_process import cores, start_server

HIGHEST_REJECTED = 0.01
WARM_UP_SECONDS = 2.0
FEWEST_REQUESTS = 300  # a 99th percentile of fewer is the slowest one or two


@dataclass(frozen=True)
class Arm:
    """One way to serve and to ask."""

    name: str
    """What the report calls it."""
    speed: float | None
    """The speed that requests carry; None leaves it to the server."""
    flags: Mapping[str, Any] = field(default_factory=dict)
    """Flags of `fastbert serve`."""


@dataclass(frozen=True)
class LoadBench:
    """Serves a model and offers load to it; server and generator keep to processors of their own."""

    export: Path
    """The model's directory."""
    texts: Sequence[str]
    """One text a request."""
    label_ids: Sequence[int]
    """Their right labels."""
    log: Path
    """File for what the server prints."""
    target_ms: float = 100.0
    """The 99th percentile to keep."""
    deadline_ms: float = 1000.0
    """When clients give up."""
    trial_seconds: float = 10.0
    """Length of one try of a capacity search, after warm-up."""
    seed: int = 0
    """Of arrivals and texts."""
    name: str = "fastbert"
    """The model's name."""
    address: str = ""
    """gRPC address of a server that runs already, in place of starting one; its flags stay as they are."""
    rest_address: str = ""
    """Its REST address."""

    @contextmanager
    def served(self, arm: Arm) -> Iterator[tuple[str, str]]:
        """Serves the model while the block runs; yields gRPC and REST address."""
        if self.address:
            yield self.address, self.rest_address
            return
        with start_server(self.export, self.log, cores()[0], arm.flags, self.name) as server:
            yield server.address, server.rest_address

    def label_ids_at(self, arm: Arm, speed: float) -> np.ndarray:
        """Returns the label ids that the model gives the texts without load."""
        given: list[int] = []
        with self.served(arm) as (address, _), Client(address, self.name, timeout=300) as client:
            for start in range(0, len(self.texts), 32):
                given += [row.label_id for row in client.predict(self.texts[start : start + 32], speed=speed)]
        return np.array(given)

    def capacity(self, arm: Arm, first: float) -> dict[str, Any]:
        """Searches the highest rate with its 99th percentile at most the target and at most 1 % not answered.

        A rate that fails is tried once more with other arrivals: a machine's hiccup is no limit of the server.

        Returns:
            `requests_per_second`, and every try as `trials`.
        """
        trials: list[dict[str, Any]] = []
        with self.served(arm) as (address, _):

            def sustains(rate: float) -> bool:
                for _ in range(2):
                    found = self._trial(address, arm, rate, self.seed + len(trials))
                    holds = found.answered >= 1 - HIGHEST_REJECTED and (found.p99_ms or math.inf) <= self.target_ms
                    trials.append({"rate": rate, "holds": holds, **found.to_dict()})
                    _say(f"{arm.name}: {rate:.1f}/s, p99 {found.p99_ms or math.inf:.0f} ms, "
                         f"{100 * found.answered:.1f} % answered")  # fmt: skip
                    if holds:
                        return True
                return False

            return {"requests_per_second": find_capacity(sustains, first), "trials": trials}

    def run(self, arm: Arm, phases: Sequence[Phase]) -> dict[str, Any]:
        """Offers a profile of rates.

        Returns:
            `phases` (a summary each), `time_line`, and the accuracy at full depth of what was asked as `which`.
        """
        with self.served(arm) as (address, rest_address):
            self._trial(address, arm, phases[0].rate, self.seed)
            with SpeedRecorder(rest_address) as recorder:
                outcome = offer_load(
                    address, self._requests(arm), phases, self.seed, self.deadline_ms / 1000, cores()[1]
                )
        summaries = summarise(outcome, self.label_ids)
        for found in summaries:
            _say(f"{arm.name}, {found.phase}: {found.offered_per_second:.0f}/s offered, p99 "
                 f"{found.p99_ms or math.inf:.0f} ms, {100 * found.answered:.1f} % answered, "
                 f"accuracy {found.accuracy or 0:.4f}")  # fmt: skip
        return {
            "speed": arm.speed,
            "flags": {name: _without_folder(value) for name, value in arm.flags.items()},
            "generator_busy": outcome.generator_busy,
            "phases": [found.to_dict() for found in summaries],
            "time_line": time_line(outcome, recorder.samples),
            "which": outcome.which[outcome.answered].tolist(),
        }

    def _trial(self, address: str, arm: Arm, rate: float, seed: int) -> Summary:
        seconds = max(self.trial_seconds, FEWEST_REQUESTS / rate) + WARM_UP_SECONDS
        phases = [Phase("trial", rate, seconds)]
        outcome = offer_load(address, self._requests(arm), phases, seed, self.deadline_ms / 1000, cores()[1])
        return summarise(outcome, self.label_ids, skip=WARM_UP_SECONDS)[0]

    def _requests(self, arm: Arm) -> list[bytes]:
        return [predict_request([text], arm.speed, self.name) for text in self.texts]


def highest_allowed_speed(manifest: Manifest) -> float:
    """Returns the highest measured speed up to which every measured one keeps the owner's lowest accuracy.

    Raises:
        ValueError: the manifest has no curve or no lowest accuracy, or no speed keeps it.
    """
    if manifest.curve is None or manifest.lowest_accuracy is None:
        raise ValueError("the manifest names no curve and lowest accuracy; export with --lowest_accuracy")
    highest = None
    for point in sorted(manifest.curve["points"], key=lambda point: point["speed"]):
        if point["metrics"]["accuracy"] < manifest.lowest_accuracy:
            break
        highest = point["speed"]
    if highest is None:
        raise ValueError(f"no measured speed keeps an accuracy of {manifest.lowest_accuracy}; lower it")
    return float(highest)


def _without_folder(value: Any) -> Any:
    return Path(value).name if isinstance(value, str) else value


def _say(words: str) -> None:
    sys.stderr.write(words + "\n")
    sys.stderr.flush()
