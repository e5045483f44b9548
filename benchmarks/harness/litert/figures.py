"""What is measured of the exports: how far they agree, and how long a row takes."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from harness.litert.engines import Engine

SPEEDS = (0.0, 0.3, 0.5, 0.8)
TIMED_SPEEDS = (0.0, 0.5)
TOKENS = 25
"""Of the sentence that every model is timed on."""
Said = dict[str, np.ndarray]


def said(engine: Engine, rows: Sequence[list[int]], speed: float) -> Said:
    """Returns `probabilities` (rows, classes) and `exit_layer` (rows,)."""
    answers = [engine.call(row, speed) for row in rows]
    return {
        "probabilities": np.array([probabilities for probabilities, _ in answers]),
        "exit_layer": np.array([layer for _, layer in answers]),
    }


def agreement(ours: Said, theirs: Said) -> dict[str, float]:
    """Compares the answers of two exports to the same rows.

    Returns:
        Shares of rows with the same label (`same_label`) and the same exit layer (`same_exit`), and, of rows with the
        same exit layer, the largest difference of a probability.
    """
    same = ours["exit_layer"] == theirs["exit_layer"]
    apart = np.abs(ours["probabilities"] - theirs["probabilities"]).max(axis=1)  # (rows,)
    labels = ours["probabilities"].argmax(1) == theirs["probabilities"].argmax(1)
    return {
        "same_label": float(labels.mean()),
        "same_exit": float(same.mean()),
        "largest_difference": float(apart[same].max(initial=0.0)),
    }


def parity(engines: Mapping[str, Engine], rows: Sequence[list[int]], labels: np.ndarray) -> list[dict[str, Any]]:
    """Compares every export with every SavedModel, at all `SPEEDS`.

    Returns:
        A record a speed and export: `accuracy`, `mean_exit_layer`, and `agreement` by the SavedModel's name.
    """
    records = []
    for speed in SPEEDS:
        answers = {name: said(engine, rows, speed) for name, engine in engines.items()}
        for name, ours in answers.items():
            others = {other: theirs for other, theirs in answers.items() if other.startswith("Saved") and other != name}
            records.append(
                {
                    "speed": speed,
                    "engine": name,
                    "accuracy": float((ours["probabilities"].argmax(1) == labels).mean()),
                    "mean_exit_layer": float(ours["exit_layer"].mean()),
                    "agreement": {other: agreement(ours, theirs) for other, theirs in others.items()},
                }
            )
    return records


def milliseconds(
    engines: Mapping[str, Engine], rows: Sequence[list[int]], speed: float, turns: int
) -> dict[str, np.ndarray]:
    """Times every call of every export. They take turns, all rows at a time: alternating row by row, each would find
    the caches full of the others' weights.

    Returns:
        (turns, rows) by name.
    """
    names = list(engines)
    times = {name: np.empty((turns, len(rows))) for name in names}
    for turn in range(turns):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            said(engines[name], rows, speed)  # warm
            for place, row in enumerate(rows):
                began = time.perf_counter()
                engines[name].call(row, speed)
                times[name][turn, place] = 1000 * (time.perf_counter() - began)
    return times


def summary(times: np.ndarray) -> dict[str, float]:
    """Returns `median` and `p99` of all calls, and `mean`, in which every row counts with its median; milliseconds."""
    return {
        "median": float(np.median(times)),
        "p99": float(np.percentile(times, 99)),
        "mean": float(np.median(times, axis=0).mean()),
    }


def latency(engines: Mapping[str, Engine], rows: Mapping[str, Sequence[list[int]]], turns: int) -> list[dict[str, Any]]:
    """Times all exports on several sets of rows, at all `TIMED_SPEEDS`.

    Returns:
        A record a set, speed and export, with its `summary`.
    """
    return [
        {"rows": name, "speed": speed, "engine": engine, **summary(times)}
        for name, some in rows.items()
        for speed in TIMED_SPEEDS
        for engine, times in milliseconds(engines, some, speed, turns).items()
    ]


def timed_rows(rows: Sequence[list[int]], count: int) -> dict[str, list[list[int]]]:
    """Chooses real rows of all lengths, in their own order, and cuts or repeats one to `TOKENS`."""
    chosen = [rows[index] for index in np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(int)]
    start, *inner, end = max(rows, key=len)
    sentence = [start, *(inner * TOKENS)[: TOKENS - 2], end]
    longer = [start, *(inner * TOKENS)[: TOKENS - 1], end]
    return {
        "real lengths": chosen,
        f"{TOKENS} tokens": [sentence] * count,
        f"{TOKENS} and {TOKENS + 1} tokens in turn": [sentence, longer] * (count // 2),
    }
