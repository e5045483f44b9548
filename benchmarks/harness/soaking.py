"""The soak as a whole: a server of its own, an undisturbed client, disturbances, and what must hold afterwards."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fastbert_serving import Client
from fastbert_tf.data import load_task
from harness.answer_check import RestClient, RightAnswers, closed_loop_throughput
from harness.arrivals import Phase
from harness.disturbers import Disturbers
from harness.open_loop import Outcome, offer_load, predict_request
from harness.process_watch import ProcessWatch
from harness.serving_process import cores, start_server
from harness.version_swapper import VersionSwapper

SPEEDS = (0.0, 0.3, 0.6, 1.0)
DEADLINE_SECONDS = 60.0
MOST_ROUNDS = 5
_PERCENTILES = {"p50": 50, "p99": 99, "longest": 100}
SPARE_FILES, SPARE_THREADS = 16, 64  # more than before that are no leak: pools fill up with the load


@dataclass(frozen=True)
class SoakSettings:
    """How long and how hard."""

    seconds: float = 600.0
    """Length of the load."""
    load: float = 0.8
    """Rate as a share of what clients in a closed loop get beside the swaps and disturbances."""
    rate: float | None = None
    """Requests a second, in place of a share."""
    max_rate: float = 2000.0
    """Bound on the rate, for a model so small that the clients are the limit."""
    swap_seconds: float = 20.0
    """Between two new versions."""
    fewest_swaps: int = 3
    """Where a slow machine has not loaded that many versions in time, the load goes on, at most `MOST_ROUNDS` times."""
    is_pinned: bool = True
    """Whether server and clients keep to a processor each."""
    disturb_seconds: float = 1.0
    """Between two disturbances."""
    measure_seconds: float = 60.0
    """Length of the closed loop that finds the rate; to be fair, some swaps long."""
    max_growth_mebibytes: float = 48.0
    """Growth of memory from the second third of the time to the last that is still flat."""
    seed: int = 0
    """Of arrivals and disturbances."""


def soak(export: Path, settings: SoakSettings, log: Path) -> dict[str, Any]:
    """Starts a server on a copy of the export's newest version, and soaks it.

    Returns:
        Plain figures; `problems` is empty when all is well.
    """
    newest = max((path for path in export.iterdir() if path.name.isdecimal()), key=lambda path: int(path.name))
    texts = list(load_task("sample").dev.texts[:200])
    speeds = [SPEEDS[row % len(SPEEDS)] for row in range(len(texts))]
    requests = [predict_request([text], speed) for text, speed in zip(texts, speeds, strict=True)]
    server_core, client_core = cores() if settings.is_pinned else (None, None)
    with tempfile.TemporaryDirectory() as folder:
        base_path = Path(folder) / "model"
        shutil.copytree(newest, base_path / "1")
        given: dict[str, object] = {"enable_batching": True, "file_system_poll_wait_seconds": 1}
        if (batching := export / "batching_params.pbtxt").exists():
            given["batching_parameters_file"] = batching
        with (
            start_server(base_path, log, server_core, given) as server,
            Client(server.address, timeout=DEADLINE_SECONDS) as client,
        ):
            right = RightAnswers(client, texts, speeds)
            with (
                ProcessWatch(server) as watch,
                VersionSwapper(base_path, client, settings.swap_seconds) as swapper,
                Disturbers(server.address, server.rest_address, requests, interval=settings.disturb_seconds,
                           seed=settings.seed, core=client_core) as disturbers,
                RestClient(server.rest_address, right) as rest_client,
            ):  # fmt: skip
                if (rate := settings.rate) is None:
                    found = closed_loop_throughput(client, texts, speeds, settings.measure_seconds)
                    rate = min(settings.load * found, settings.max_rate)
                phases, outcomes = [Phase("soak", rate, settings.seconds)], list[Outcome]()
                while len(outcomes) < MOST_ROUNDS and (not outcomes or _needs_more(swapper, settings)):
                    seed = settings.seed + len(outcomes)
                    outcomes.append(offer_load(server.address, requests, phases, seed, DEADLINE_SECONDS, client_core))
            time.sleep(1.0)  # for the server to notice who has gone
            last = watch.look()
            code = server.close()
    figures = {
        "rate": rate,
        **_call_figures(outcomes, right),
        "rest_answers": dict(rest_client.outcomes),
        "disturbances": dict(disturbers.done),
        "exit_code": code,
        **watch.report(),
    }
    problems = {
        **_call_problems(figures, settings),
        swapper.problem: swapper.problem,
        disturbers.problem: disturbers.problem,
        f"only {dict(disturbers.done)} disturbed": len(disturbers.done) < (4 if server.rest_address else 2),
        f"memory grew by {watch.growth():.0f} MiB": watch.growth() > settings.max_growth_mebibytes,
        f"files stayed open: {figures['open_files']}": last.open_files > watch.samples[0].open_files + SPARE_FILES,
        f"threads grew by {watch.growth('threads'):.0f}": watch.growth("threads") > SPARE_THREADS,
        f"the server ended with code {code} on SIGTERM": code,
    }
    return {**figures, "problems": [words for words, is_so in problems.items() if is_so]}


def _call_figures(outcomes: list[Outcome], right: RightAnswers) -> dict[str, Any]:
    latency = 1000 * np.concatenate([outcome.latency for outcome in outcomes])
    return {
        "rounds": len(outcomes),
        "calls": dict(Counter(code for outcome in outcomes for code in outcome.codes.tolist())),
        "words": {code: words for outcome in outcomes for code, words in outcome.words.items()},
        "wrong_answers": sum(right.wrong(outcome) for outcome in outcomes),
        "versions_that_answered": sorted(set().union(*map(_versions, outcomes))),
        "latency_ms": {name: float(np.percentile(latency, part)) for name, part in _PERCENTILES.items()},
    }


def _call_problems(figures: dict[str, Any], settings: SoakSettings) -> dict[str, bool]:
    lost = sum(figures["calls"].values()) - figures["calls"].get("OK", 0)
    versions = figures["versions_that_answered"]
    return {
        f"{lost} calls were lost: {figures['words']}": lost > 0,
        f"{figures['wrong_answers']} answers were wrong": figures["wrong_answers"] > 0,
        f"REST clients got {figures['rest_answers']}": not set(figures["rest_answers"]) <= {"right"},
        f"only versions {versions} answered": len(versions) < settings.fewest_swaps,
    }


def _needs_more(swapper: VersionSwapper, settings: SoakSettings) -> bool:
    """Whether a slow machine has not swapped often enough yet."""
    return len(swapper.versions) <= settings.fewest_swaps and not swapper.problem


def _versions(outcome: Outcome) -> set[int]:
    return {outcome.answer(index).model_spec.version.value for index in np.flatnonzero(outcome.answered).tolist()}
