"""The server under open-loop load: capacity, a surge with and without load control, batching on and off.

    python benchmarks/load.py --export DIR --task sst2               everything; about 25 minutes
    python benchmarks/load.py --export DIR --task sst2 --experiments batching
    python benchmarks/load.py --export DIR --address HOST:PORT --rest_address HOST:PORT --task sst2
                                                                     a server or gateway that runs already

DIR is what `fastbert export --lowest_accuracy` wrote. Writes load.json, load.md and surge.svg. Server and load
generator keep to a core each; let nothing else run. Latency and deadline of a call count from the moment it was due.
"""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from absl import app, flags
from harness.arrivals import Phase
from harness.load_bench import Arm, LoadBench, highest_allowed_speed
from harness.load_plot import plot_surge
from harness.load_report import load_page

from fastbert_serving import Manifest
from fastbert_tf.data import load_task
from fastbert_tf.evaluation.plots import save_figure

_EXPORT = flags.DEFINE_string("export", None, "the model's directory", required=True)
_TASK = flags.DEFINE_string("task", "sst2", "the task whose dev texts are asked")
_EXPERIMENTS = flags.DEFINE_multi_enum("experiments", ["surge", "batching"], ["surge", "batching"], "what to measure")
_TARGET = flags.DEFINE_float("target_p99_ms", 100.0, "the 99th percentile to keep", lower_bound=1)
_DEADLINE = flags.DEFINE_float("deadline_ms", 1000.0, "when clients give up", lower_bound=1)
_HIGHEST_SPEED = flags.DEFINE_float("highest_speed", None, "in place of the highest that the manifest allows")
_MAX_LOSS = flags.DEFINE_float("max_loss", 0.03, "accuracy that load control may cost against full depth")
_BATCHING = flags.DEFINE_string("batching_parameters_file", None, "default: the export's batching_params.pbtxt")
_MAX_BYTES = flags.DEFINE_integer("max_bytes", 100, "longest text of the batching experiment")
_PHASES = flags.DEFINE_list("phase_seconds", ["20", "40", "40"], "seconds before, during and after the surge")
_LOW = flags.DEFINE_float("low_share", 0.5, "rate before and after the surge, as a share of full depth's capacity")
_TRIAL = flags.DEFINE_float("trial_seconds", 10.0, "seconds of one try of a capacity search", lower_bound=1)
_FIRST = flags.DEFINE_float("first_rate", 20.0, "requests a second to begin a capacity search with", lower_bound=1)
_SEED = flags.DEFINE_integer("seed", 0, "of arrivals and texts", lower_bound=0)
_ADDRESS = flags.DEFINE_string("address", "", "gRPC address of a server that runs already")
_REST_ADDRESS = flags.DEFINE_string("rest_address", "", "its REST address, for the speed in force")
_OUTPUT = flags.DEFINE_string("output", "docs/results/serving", "folder of the results")

SURGE_SHARE = 0.8
SETTLING_SECONDS = 5.0  # at the end of a phase, over which its speed is taken


def surge(bench: LoadBench, batching: dict[str, Any], speed: float) -> dict[str, Any]:
    """Measures both capacities, then offers the surge to all arms."""
    full = Arm("full depth", 0.0, batching)
    fastest = Arm(f"speed {speed:g}", speed, batching)
    control = Arm("load control", None, {**batching, "target_p99_ms": f"{_TARGET.value:g}"})
    capacity = {
        "full depth": bench.capacity(full, _FIRST.value),
        "highest speed": bench.capacity(fastest, _FIRST.value),
    }
    slow, fast = (found["requests_per_second"] for found in capacity.values())
    if not slow:
        raise ValueError(f"not even {_FIRST.value:g} requests a second hold the target; lower --first_rate")
    before, during, after = (float(seconds) for seconds in _PHASES.value)
    phases = [
        Phase("before", _LOW.value * slow, before),
        Phase("surge", SURGE_SHARE * fast, during),
        Phase("after", _LOW.value * slow, after),
    ]
    right_at_full_depth = bench.label_ids_at(full, 0.0) == np.asarray(bench.label_ids)
    arms = {arm.name: bench.run(arm, phases) for arm in (full, fastest, control)}
    for arm in arms.values():
        arm["full_depth_accuracy"] = float(right_at_full_depth[arm.pop("which")].mean())
    return {
        "highest_speed": speed,
        "capacity": capacity,
        "multiple_of_full_depth": SURGE_SHARE * fast / slow,
        "arms": arms,
        "checks": _checks(arms["full depth"], arms["load control"], phases),
    }


def _checks(full: dict[str, Any], control: dict[str, Any], phases: list[Phase]) -> dict[str, bool]:
    """What the figures must show, and whether they do."""
    fixed, steered, target = full["phases"][1], control["phases"][1], _TARGET.value
    answered = [(phase["accuracy"], phase["answered_per_second"] * lasted.seconds)
                for phase, lasted in zip(control["phases"], phases, strict=True) if phase["accuracy"]]  # fmt: skip
    accuracy = np.average([value for value, _ in answered], weights=[count for _, count in answered])
    ends = np.cumsum([phase.seconds for phase in phases])
    speeds = [_speed_before(control["time_line"], end) for end in ends]
    return {
        "full depth misses the target in the surge, or more than 1 % go unanswered": (
            fixed["p99_ms"] > target or fixed["answered_per_second"] < 0.99 * fixed["offered_per_second"]
        ),
        "load control keeps the target in the surge": steered["p99_ms"] <= target,
        "load control admits at least 99 % in the surge": steered["admitted"] >= 0.99,
        f"accuracy with load control is at most {100 * _MAX_LOSS.value:g} points below full depth on the same texts": (
            bool(accuracy >= control["full_depth_accuracy"] - _MAX_LOSS.value)
        ),
        "the speed rises in the surge": speeds[1] is not None and speeds[1] > (speeds[0] or 0.0),
        "the speed returns after the surge": speeds[2] is not None and speeds[2] <= (speeds[0] or 0.0) + 0.05,
    }


def _speed_before(line: list[dict[str, Any]], end: float) -> float | None:
    found = [row["speed"] for row in line if end - SETTLING_SECONDS <= row["second"] < end and row["speed"] is not None]
    return float(np.mean(found)) if found else None


def batching_gain(bench: LoadBench, batching: dict[str, Any], speeds: list[float]) -> dict[str, Any]:
    """Measures capacities with and without batching."""
    rows = []
    for speed in speeds:
        on = bench.capacity(Arm(f"batching, speed {speed:g}", speed, batching), _FIRST.value)
        off = bench.capacity(Arm(f"no batching, speed {speed:g}", speed), _FIRST.value)
        ratio = on["requests_per_second"] / max(off["requests_per_second"], 1e-9)
        rows.append({"speed": speed, "on": on, "off": off, "ratio": ratio})
    return {"max_bytes": _MAX_BYTES.value, "rows": rows}


def write(results: dict[str, Any], folder: Path) -> None:
    """Writes figures, page and picture."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "load.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (folder / "load.md").write_text(load_page(results), encoding="utf-8")
    if "surge" in results:
        time_lines = {name: arm["time_line"] for name, arm in results["surge"]["arms"].items()}
        settings = results["settings"]
        figure = plot_surge(time_lines, settings["target_p99_ms"], settings["deadline_ms"])
        save_figure(figure, folder / "surge.svg")


def main(_: list[str]) -> None:
    export, folder = Path(_EXPORT.value), Path(_OUTPUT.value)
    newest = max((path for path in export.iterdir() if path.name.isdecimal()), key=lambda path: int(path.name))
    data = load_task(_TASK.value).dev
    labels = data.labels
    if labels is None:
        raise app.UsageError(f"the dev part of {_TASK.value} has no labels; name another task")
    folder.mkdir(parents=True, exist_ok=True)

    def bench(longest: int | None = None) -> LoadBench:
        rows = [row for row, text in enumerate(data.texts) if longest is None or len(text.encode()) <= longest]
        return LoadBench(
            export=export,
            texts=[data.texts[row] for row in rows],
            label_ids=labels[rows].tolist(),
            log=folder / "server.log",
            target_ms=_TARGET.value,
            deadline_ms=_DEADLINE.value,
            trial_seconds=_TRIAL.value,
            seed=_SEED.value,
            address=_ADDRESS.value,
            rest_address=_REST_ADDRESS.value,
        )

    file = _BATCHING.value or str(export / "batching_params.pbtxt")
    batching = {"enable_batching": True, "batching_parameters_file": file}
    speed = _HIGHEST_SPEED.value
    speed = highest_allowed_speed(Manifest.read(newest)) if speed is None else speed
    stored = folder / "load.json"
    results = json.loads(stored.read_text(encoding="utf-8")) if stored.exists() else {}
    flag_values = {flag.name: flag.value for flag in (_TASK, _TARGET, _DEADLINE, _TRIAL, _LOW, _SEED)}
    results["settings"] = {**flag_values, "batching_parameters": Path(file).read_text(encoding="utf-8")}
    results["machine"] = {"cores": os.cpu_count(), "processor": platform.machine(), "tensorflow": tf.__version__}
    if "surge" in _EXPERIMENTS.value:
        results["surge"] = surge(bench(), batching, speed)
        write(results, folder)
    if "batching" in _EXPERIMENTS.value:
        results["batching"] = batching_gain(bench(_MAX_BYTES.value), batching, [0.0, speed])
        write(results, folder)
    (folder / "server.log").unlink(missing_ok=True)
    print((folder / "load.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    app.run(main)
