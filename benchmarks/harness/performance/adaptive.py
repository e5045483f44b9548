"""Early exit against full depth, both packed and int8: how much of the saved arithmetic is saved time?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fastbert_serving.manifest import Manifest
from fastbert_tf.config import DEFAULT_SPEED, LEAST_SPEED, FastBertConfig
from harness.peers.processes import EngineProcess
from harness.performance.names import INT8
from harness.performance.never import bert_base, without_leaving
from harness.performance.predicted import compare, rows_as_predicted, statistics
from harness.performance.rows import StoredRows
from harness.performance.settings import Settings
from harness.performance.subject import Subject, callers_exports, export_name, trained
from harness.performance.timing import ratio, running
from harness.performance.work import packed_flops

TASK = "sst2"
SPEEDS = (LEAST_SPEED, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
BATCH_SIZES = (1, 32)
PREDICTED_ROWS = 3
"""Predictions are for so many times as many rows as are timed elsewhere: a branch is worth what the mean row says."""


@dataclass(frozen=True)
class Adaptive:
    """An adaptive graph that is measured at every speed."""

    name: str
    """As results name it."""
    engine: EngineProcess
    """Its worker."""
    exits: Sequence[int]
    """Layers whose branch is on."""


def measure(settings: Settings) -> dict[str, Any]:
    """Times full depth, every speed, rows that never leave, and what the scheduler has predicted.

    Returns:
        `speeds`: a list of results, one a graph, batch size and speed; `never`: a list of results, see
        `harness.performance.never`; `predicted`: a list of results, see `compare`; `schedule`: the exits of the
        scheduler's choice.
    """
    subject = trained(TASK, settings)
    asked = statistics(subject, PREDICTED_ROWS * settings.rows)
    scheduled, exits = subject.scheduled(INT8, DEFAULT_SPEED, asked.outputs)
    ours = {"dense": subject.ours(INT8), "adaptive": subject.ours(INT8, adaptive=True), "scheduled": scheduled}
    engines = {**ours, **callers_exports(settings)}
    rows = subject.reported_rows(settings.rows)
    with running(engines, settings.work / "logs" / "adaptive") as workers:
        every = tuple(range(1, subject.num_layers + 1))
        graphs = [Adaptive(INT8, workers["adaptive"], every)]
        graphs += [
            Adaptive(export_name(name), workers[export_name(name)], _layers(folder) or every)
            for name, folder in settings.exports.items()
        ]
        config = subject.classifier.model.config
        speeds = [
            result
            for graph in graphs
            for size in BATCH_SIZES
            for result in _speeds(workers["dense"], graph, config, rows, size, settings)
        ]
        never = [
            {"shape": "6 x 384" if subject.num_layers == 6 else subject.name, **result}
            for size in BATCH_SIZES
            for result in without_leaving(workers, rows, size, exits, settings.turns)
        ]
    alone = {name: replace(engine, split=1) for name, engine in engines.items()}  # predictions are for one thread
    with running(alone, settings.work / "logs" / "predicted") as workers:
        predicted = compare(workers, exits, asked.rows, INT8, settings.turns)
        predicted += _exports_predicted(subject, workers, settings)
    return {
        "speeds": speeds,
        "never": never + bert_base(subject, asked.outputs, settings),
        "predicted": predicted,
        "schedule": {"speed": DEFAULT_SPEED, "layers": exits.layers, "shrink_share": exits.shrink_share},
    }


def _layers(folder: str) -> tuple[int, ...] | None:
    exits = Manifest.read(folder).exits
    return None if exits is None else exits.layers


def _speeds(
    dense: EngineProcess,
    graph: Adaptive,
    config: FastBertConfig,
    rows: StoredRows,
    batch_size: int,
    settings: Settings,
) -> list[dict[str, Any]]:
    """Times a graph and the plain encoder in turns, one speed after the other.

    A service keeps to a speed or a few. Were all of them measured in turns, every call would meet batches that have
    shrunk to sizes for which oneDNN has just forgotten its kernels.
    """
    full = rows.short_job(batch_size)
    lengths = rows.lengths_in(full)
    plain = packed_flops(config, lengths)
    results = []
    for speed in SPEEDS:
        jobs = {"dense": full, "adaptive": rows.short_job(batch_size, speed=speed)}
        times = rows.take_turns({"dense": dense, "adaptive": graph.engine}, jobs, settings.turns)
        layers = graph.engine.answers(jobs["adaptive"], settings.work / "answers.npz")["exit_layer"]
        results.append({
            "stack": graph.name,
            "batch_size": batch_size,
            "speed": speed,
            "mean_exit_layer": float(layers.mean()),
            "dense_ms_per_row": times["dense"]["ms_per_row"],
            **times["adaptive"],
            "speedup": ratio(times["dense"], times["adaptive"]),
            "executed_speedup": plain / packed_flops(config, lengths, layers, graph.exits),
        })  # fmt: skip
    return results


def _exports_predicted(
    subject: Subject, workers: Mapping[str, EngineProcess], settings: Settings
) -> list[dict[str, Any]]:
    """Times the predictions of the caller's exports that are int8: made from an evaluation on reported rows."""
    results: list[dict[str, Any]] = []
    for name, folder in settings.exports.items():
        manifest = Manifest.read(folder)
        if manifest.precision == "int8" and manifest.exits is not None:
            rows = rows_as_predicted(subject, subject.reported, "evaluated")
            engines = {**workers, "scheduled": workers[export_name(name)]}
            results += compare(engines, manifest.exits, rows, export_name(name), settings.turns)
    return results
