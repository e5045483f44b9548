"""What the server costs over calling the SavedModel in the same process: one text at a time, median against median.

    python benchmarks/overhead.py --export DIR --task sst2

Three ways take turns on the same texts, so that a change in the machine's load meets all; which goes first changes
every time: a session in this process; `harness/bare_service.py`, the least that a gRPC service around such a session
can be; and `fastbert serve`. The same `Client.predict` asks both servers, in processes of their own on this machine.
Let nothing else run.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from absl import app, flags
from harness.serving_process import ServingProcess, start_server
from harness.session_call import newest_version, session_call

from fastbert_serving import Client
from fastbert_tf.data import load_task

_EXPORT = flags.DEFINE_string("export", None, "the model's directory", required=True)
_TASK = flags.DEFINE_string("task", "sst2", "the task whose dev texts are asked")
_TEXTS = flags.DEFINE_integer("texts", 500, "timed texts", lower_bound=1)
_SPEED = flags.DEFINE_float("speed", 0.5, "speed of every text", lower_bound=0, upper_bound=1)
_BATCHING = flags.DEFINE_boolean("batching", False, "serve with --enable_batching and the export's parameters")
_SEED = flags.DEFINE_integer("seed", 0, "of the texts", lower_bound=0)
_OUTPUT = flags.DEFINE_string("output", "docs/results/serving/overhead.json", "file for the figures")

WARM_UP = 50  # texts asked before the clock starts
BARE_SERVICE = Path(__file__).resolve().parent / "harness" / "bare_service.py"
WAYS = ("in_process", "bare_grpc_service", "fastbert_serve")


def measure(texts: Sequence[str], ways: Sequence[Callable[[str], Any]]) -> np.ndarray:
    """Returns milliseconds, shape (texts, ways)."""
    seconds = np.zeros((len(texts), len(ways)))
    for row, text in enumerate(texts):
        for column in np.roll(np.arange(len(ways)), row).tolist():
            began = time.perf_counter()
            ways[column](text)
            seconds[row, column] = time.perf_counter() - began
    return 1000 * seconds


def require_same_answers(texts: Sequence[str], ways: Sequence[Callable[[str], Any]]) -> None:
    """All must say the same before their times are compared."""
    inside, *clients = ways
    for text in texts:
        expected = inside(text)["probabilities"][0]
        for ask in clients:
            np.testing.assert_allclose(ask(text)[0].probabilities, expected, atol=1e-5)


def main(_: list[str]) -> None:
    export, speed = Path(_EXPORT.value), _SPEED.value
    dev = load_task(_TASK.value).dev.texts
    rows = np.random.default_rng(_SEED.value).permutation(len(dev))
    texts = [dev[row] for row in np.resize(rows, WARM_UP + _TEXTS.value)]
    flags_given = {"enable_batching": True, "batching_parameters_file": export / "batching_params.pbtxt"}
    bare = [sys.executable, str(BARE_SERVICE), str(newest_version(export))]
    with tempfile.TemporaryDirectory() as folder:
        logs = Path(folder)
        with (
            ServingProcess(bare, logs / "bare.log") as bare_server,
            start_server(export, logs / "server.log", flags=flags_given if _BATCHING.value else {}) as server,
            Client(bare_server.address) as bare_client,
            Client(server.address) as client,
        ):
            call = session_call(newest_version(export))
            ways = (
                lambda text: call(text.encode(), speed),
                lambda text: bare_client.predict([text], speed=speed),
                lambda text: client.predict([text], speed=speed),
            )
            require_same_answers(texts[:10], ways)
            milliseconds = measure(texts, ways)[WARM_UP:]
    quartiles = np.percentile(milliseconds, [25, 50, 75], axis=0)  # (3, ways)
    inside, least, ours = quartiles[1]
    results = {
        "settings": {flag.name: flag.value for flag in (_TASK, _TEXTS, _SPEED, _BATCHING, _SEED)},
        "machine": {"cores": os.cpu_count(), "processor": platform.machine(), "tensorflow": tf.__version__},
        "quartiles_ms": dict(zip(WAYS, quartiles.T.tolist(), strict=True)),
        "median_more_than_in_process_ms": {"bare_grpc_service": least - inside, "fastbert_serve": ours - inside},
    }
    output = Path(_OUTPUT.value)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(
        f"one text at speed {speed:g}, medians of {_TEXTS.value}: {inside:.2f} ms in process, {least:.2f} ms through a "
        f"bare gRPC service ({least - inside:.2f} more), {ours:.2f} ms through fastbert serve ({ours - inside:.2f} "
        f"more)\nwritten to {output}"
    )


if __name__ == "__main__":
    app.run(main)
