"""Early exit against full depth, both of one stack: how much of the saved arithmetic is saved time?

Also the speed that one would choose, against the engines that one would choose instead.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fastbert_tf.config import FastBertConfig
from fastbert_tf.data import load_task
from fastbert_tf.evaluation import executed_flops
from harness.peers.job import Job, rows_of, single_calls
from harness.peers.processes import EngineProcess, EngineSettings, take_turns
from harness.peers.workload import Workload, random_workload, thinned
from harness.performance.ours import PACKED
from harness.performance.predicted import NEVER, compare
from harness.performance.settings import Settings
from harness.performance.subject import (
    BERT_BASE,
    Subject,
    exported,
    held_out,
    random_bert_base,
    reported,
    trained,
    workload,
)
from harness.performance.timing import per_row, ratio, running

TASK = "sst2"
SPEEDS = (NEVER, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
BATCH_SIZES = (1, 32)
HIGHEST_LOSS = 0.005
"""Accuracy that the chosen speed may cost, on held-out rows."""
REFERENCE = "onnxruntime int8"
PACKAGE = "fastbert package"


def measure(settings: Settings) -> dict[str, Any]:
    """Times full depth, every speed, and the chosen speed beside the peers.

    Returns:
        `speeds`: a list of results, one a stack, batch size and speed; `never`: the same at `NEVER` for BERT-base's
        shape; `chosen`: accuracy and time of the speed chosen on held-out rows, beside the reference and the package;
        `predicted`: times that the exports' manifests predict, beside measured ones.
    """
    subject = trained(TASK, settings.classifiers[TASK], settings.work, settings.threads)
    tokenizer = subject.classifier.tokenizer
    path = settings.work / "workloads" / f"{TASK}.json"
    rows = thinned(workload(reported(load_task(TASK)), tokenizer), settings.rows)
    rows.save(path)
    speeds: list[dict[str, Any]] = []
    for name, pair in _pairs(subject, settings).items():
        with running(pair, settings.work / "logs" / "adaptive") as engines:
            for batch_size in BATCH_SIZES:
                found = _speeds(engines, subject.classifier.model.config, rows, path, batch_size, SPEEDS, settings)
                speeds += [{"stack": name, **result} for result in found]
    selection_path = settings.work / "workloads" / f"{TASK}_held_out.json"
    selection = thinned(workload(held_out(load_task(TASK)), tokenizer), 4 * settings.rows)
    selection.save(selection_path)
    return {
        "speeds": speeds,
        "never": _bert_base(subject, settings),
        "chosen": _chosen(subject, (rows, path), (selection, selection_path), settings),
        "predicted": compare(subject, selection_path, len(selection.token_ids), settings),
    }


def _pairs(subject: Subject, settings: Settings) -> dict[str, dict[str, EngineSettings]]:
    """Full depth and early exit, of every stack; the caller's exports are compared with int8 at full depth."""
    pairs = {
        stack: {"dense": subject.ours(stack), "adaptive": subject.ours(stack, adaptive=True)}
        for stack in PACKED
        if settings.wanted(stack)
    }
    for name, folder in settings.exports.items():
        pairs[name] = {"dense": subject.ours(PACKED[-1]), "adaptive": exported(Path(folder), "", settings.threads)}
    return pairs


def _speeds(
    engines: dict[str, EngineProcess],
    config: FastBertConfig,
    rows: Workload,
    path: Path,
    batch_size: int,
    speeds: tuple[float, ...],
    settings: Settings,
) -> list[dict[str, Any]]:
    """Times the pair `dense` and `adaptive` at all speeds in turns."""
    count = len(rows.token_ids)
    base = single_calls(Job(str(path), batch_size), count)
    jobs = {"dense": base, **{f"{speed:g}": replace(base, speed=speed) for speed in speeds}}
    places = {name: engines["dense" if name == "dense" else "adaptive"] for name in jobs}
    seconds = take_turns(places, jobs, settings.turns)
    dense = per_row(seconds["dense"], rows_of(base, count))
    lengths = rows.lengths[base.first :: base.every] if batch_size == 1 else rows.lengths
    results = []
    for speed in speeds:
        name = f"{speed:g}"
        answers = places[name].answers(jobs[name], settings.work / "answers.npz")
        summary = per_row(seconds[name], rows_of(base, count))
        saved = (
            executed_flops(config, None, lengths).sum() / executed_flops(config, answers["exit_layer"], lengths).sum()
        )
        results.append({
            "batch_size": batch_size,
            "speed": speed,
            "mean_exit_layer": float(answers["exit_layer"].mean()),
            "dense_ms_per_row": dense["ms_per_row"],
            **summary,
            "speedup": ratio(dense, summary),
            "executed_speedup": float(saved),
        })  # fmt: skip
    return results


def _bert_base(beside: Subject, settings: Settings) -> list[dict[str, Any]]:
    """What never leaving costs at BERT-base's shape, 128 tokens."""
    subject = random_bert_base(beside)
    rows = random_workload(8, 128, BERT_BASE.vocabulary_size)
    path = settings.work / "workloads" / "random_128_8.json"
    rows.save(path)
    results: list[dict[str, Any]] = []
    for stack in (stack for stack in PACKED if settings.wanted(stack)):
        pair = {"dense": subject.ours(stack), "adaptive": subject.ours(stack, adaptive=True)}
        with running(pair, settings.work / "logs" / "never") as engines:
            for batch_size in (1, 8):
                config = subject.classifier.model.config
                found = _speeds(engines, config, rows, path, batch_size, (NEVER,), settings)
                results += [{"stack": stack, **result} for result in found]
    return results


# === The chosen speed ===


Rows = tuple[Workload, Path]


def _chosen(subject: Subject, reported_rows: Rows, selection: Rows, settings: Settings) -> dict[str, Any]:
    """Chooses a speed on held-out rows, then measures it on the reported ones beside the peers."""
    stack, work = PACKED[-1], settings.work
    ours = {stack: subject.ours(stack, adaptive=True)}
    ours |= {name: exported(Path(folder), "", settings.threads) for name, folder in settings.exports.items()}
    engines = {**ours, REFERENCE: subject.peer(*REFERENCE.split())}
    package = {PACKAGE: subject.peer("fastbert_package", "float32")}
    with running({**engines, **package}, work / "logs" / "chosen") as workers:
        speeds = {name: _choose(workers[name], *selection, work) for name in ours}
        accuracy = {name: _accuracy(workers[name], *reported_rows, speeds.get(name), work) for name in engines}
        from_tokens = {name: workers[name] for name in engines}
        times = _chosen_times(from_tokens, speeds, *reported_rows, False, settings)
        speeds[PACKAGE] = speeds[stack]
        times += _chosen_times(workers, speeds, *reported_rows, True, settings)
    return {"speeds": speeds, "accuracy": accuracy, "times": times}


def _choose(engine: EngineProcess, rows: Workload, path: Path, work: Path) -> float:
    """The highest speed that costs at most `HIGHEST_LOSS` of the full depth's accuracy."""
    allowed = _accuracy(engine, rows, path, 0.0, work) - HIGHEST_LOSS
    fit = [speed for speed in np.arange(1, 20) / 20 if _accuracy(engine, rows, path, speed, work) >= allowed]
    return float(max(fit, default=0.0))


def _accuracy(engine: EngineProcess, rows: Workload, path: Path, speed: float | None, work: Path) -> float:
    said = engine.answers(Job(str(path), 32, speed=speed), work / "answers.npz")["probabilities"]
    return float((said.argmax(-1) == np.array(rows.labels)).mean())


def _chosen_times(
    engines: dict[str, EngineProcess],
    speeds: dict[str, float],
    rows: Workload,
    path: Path,
    from_texts: bool,
    settings: Settings,
) -> list[dict[str, Any]]:
    results = []
    for batch_size in BATCH_SIZES:
        base = single_calls(Job(str(path), batch_size, from_texts=from_texts), len(rows.token_ids))
        taking_part = {name: engine for name, engine in engines.items() if name != PACKAGE or batch_size == 1}
        jobs = {name: replace(base, speed=speeds.get(name)) for name in taking_part}
        seconds = take_turns(taking_part, jobs, settings.turns)
        results += [
            {"engine": name, "batch_size": batch_size, "from": "texts" if from_texts else "tokens",
             **per_row(times, rows_of(base, len(rows.token_ids)))}
            for name, times in seconds.items()
        ]  # fmt: skip
    return results
