"""Turns of many engines on the same rows, and what is said of their times."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from harness.peers.processes import EngineProcess, EngineSettings


@contextlib.contextmanager
def running(engines: Mapping[str, EngineSettings], logs: Path) -> Iterator[dict[str, EngineProcess]]:
    """Starts a worker an engine, and ends them all."""
    logs.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        yield {
            name: stack.enter_context(EngineProcess(settings, logs / f"{name.replace(' ', '_')}.log"))
            for name, settings in engines.items()
        }


def per_row(seconds: np.ndarray, rows: int) -> dict[str, Any]:
    """Summary of one engine.

    Args:
        seconds: (turns, batches).
        rows: rows of one turn.

    Returns:
        `ms_per_row`, every batch with its median over the turns; `quartiles_ms_per_row` of whole turns.
    """
    turns = 1000 * seconds.sum(axis=1) / rows
    return {
        "ms_per_row": float(1000 * np.median(seconds, axis=0).sum() / rows),
        "quartiles_ms_per_row": np.percentile(turns, [25, 75]).tolist(),
    }


def ratio(slow: Mapping[str, Any], fast: Mapping[str, Any]) -> float:
    """How many times faster the second is: a ratio of medians."""
    return slow["ms_per_row"] / fast["ms_per_row"]
