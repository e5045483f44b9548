"""Ten minutes at 80 % load with version swaps, killed clients and slow readers: nothing lost, memory flat.

    python benchmarks/soak.py --export DIR                    ten minutes
    python benchmarks/soak.py --export DIR --rate 100         at a given rate instead of 80 % of what is measured

An undisturbed client sends Poisson arrivals over gRPC from a process on a core of its own, another asks over REST;
every one of their calls must get the answer that the model gives without load. Meanwhile new versions (copies) replace
old ones, client processes are killed with calls outstanding, others read next to nothing or send half a request.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from absl import app, flags
from harness.soaking import SoakSettings, soak

_EXPORT = flags.DEFINE_string("export", None, "the model's directory", required=True)
_SECONDS = flags.DEFINE_float("seconds", 600.0, "length", lower_bound=1)
_RATE = flags.DEFINE_float("rate", None, "requests a second; none: 80 % of what a closed loop gets")
_SEED = flags.DEFINE_integer("seed", 0, "of arrivals and disturbances", lower_bound=0)
_LOG = flags.DEFINE_string("log", None, "file to keep what the server printed")
_OUTPUT = flags.DEFINE_string("output", None, "JSON file for the figures")


def main(_: list[str]) -> None:
    settings = SoakSettings(seconds=_SECONDS.value, rate=_RATE.value, seed=_SEED.value)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(_LOG.value or f"{folder}/server.log")
        found = soak(Path(_EXPORT.value), settings, log)
    if _OUTPUT.value:
        Path(_OUTPUT.value).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))
    sys.exit(1 if found["problems"] else 0)


if __name__ == "__main__":
    app.run(main)
