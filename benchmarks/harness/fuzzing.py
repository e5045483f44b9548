"""The fuzz test as a whole: a server of its own, many odd requests, and what must hold afterwards."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

from fastbert_serving import Manifest
from harness.answer_check import RestClient
from harness.fuzz_contract import Contract
from harness.fuzz_run import FuzzRun
from harness.process_watch import ProcessWatch
from harness.serving_process import start_server

LIMITS = {"max_rows": 64, "max_text_bytes": 65_536, "max_message_bytes": 2**20}
"""What the server is started with: small, so that passing them costs little."""
MAX_GROWTH_MEBIBYTES = 24.0
NEIGHBOUR_SECONDS = 0.005
_OF_GRPC = ("Exception deserializing message", "Method not implemented")


def flags_of(export: Path) -> dict[str, object]:
    """Returns what the server is started with: the limits, and batching as the export has it."""
    return {**LIMITS, "enable_batching": True, "batching_parameters_file": export / "batching_params.pbtxt"}


def contract_of(export: Path) -> Contract:
    """Returns the rules of the newest version."""
    newest = max((path for path in export.iterdir() if path.name.isdecimal()), key=lambda path: int(path.name))
    limits = Manifest.read(newest).token_limits
    if limits is None:
        raise ValueError(f"the manifest of {newest} has no token_limits; export the model again")
    return Contract("fastbert", int(newest.name), **vars(limits), **LIMITS)


def fuzz(
    export: Path, requests: int, seed: int, log: Path, max_growth_mebibytes: float = MAX_GROWTH_MEBIBYTES
) -> dict[str, Any]:
    """Starts a server and fuzzes it, while a neighbour's proper requests share batches with the odd ones.

    Returns:
        Plain figures; `failures` holds every wrong answer, `problems` is empty when all is well.
    """
    began = time.monotonic()
    with start_server(export, log, flags=flags_of(export)) as server:
        run = FuzzRun(server.address, server.rest_address, contract_of(export), seed)
        try:
            run.run(range(min(100, requests)))  # loads what is loaded lazily, before memory is watched
            neighbour = RestClient(server.rest_address, run.right, interval=NEIGHBOUR_SECONDS)
            with ProcessWatch(server) as watch, neighbour:
                run.run(range(100, requests))
                run.close()
                problems = [] if server.is_alive else [f"the server ended with code {server.process.returncode}"]
        finally:
            run.close()
        code = server.close()
    problems += [f"the server ended with code {code} on SIGTERM"] if code else []
    problems += [f"{len(run.failures)} wrong answers"] if run.failures else []
    if neighbour.outcomes.keys() - {"right"}:
        problems.append(f"a neighbour's answers were {dict(neighbour.outcomes)}")
    if watch.growth() > max_growth_mebibytes:
        problems.append(f"memory grew by {watch.growth():.0f} MiB")
    problems += [f"the server logged {count} x {words}" for words, count in logged_failures(log).items()]
    return {
        "requests": sum(run.outcomes.values()) - run.probes,
        "proper_requests_in_between": run.probes,
        "seed": seed,
        "seconds": time.monotonic() - began,
        "statuses": dict(Counter(status for (_, status), count in run.outcomes.items() for _ in range(count))),
        "kinds": {f"{kind}: {status}": count for (kind, status), count in sorted(run.outcomes.items())},
        **watch.report(),
        "failures": [vars(failure) for failure in run.failures],
        "problems": problems,
    }


def logged_failures(log: Path) -> Counter[str]:
    """Returns what stands above the tracebacks in a server's log; gRPC's own words about bad bytes do not count."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    above = [
        lines[index - 1] for index, line in enumerate(lines) if index and line.startswith("Traceback (most recent")
    ]
    return Counter(line[:200] for line in above if line and not any(words in line for words in _OF_GRPC))
