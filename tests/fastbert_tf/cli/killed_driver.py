"""Kills `fastbert train` three times; `test_killed_training.py` runs this in a process of its own.

usage: killed_driver.py FOLDER WORD...

FOLDER gets the runs `undisturbed` and `killed`; the words are the command's, but for the output. The kills fall into
each stage's first epoch, and as soon as the trained model is there. Prints one line of JSON: where the killed run
stood and whether it had a model at each kill but the last, and what the command said when it was called once more.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf  # noqa: F401  imported here, once, and used in the forks alone
from command_line import fastbert
from forked_lives import start_life

import fastbert_tf.recipes.train  # noqa: F401  likewise

LONGEST_WAIT = 300  # seconds


def start(words: Sequence[str], output: Path) -> int:
    """Starts the command in a fork; what it says comes to lie beside its output."""

    def life() -> None:
        code, said, complaint = fastbert(*words, "--output", output)
        output.with_suffix(".said").write_text(said)
        if code:
            raise SystemExit(f"fastbert ended with code {code}: {complaint}")

    return start_life(life)


def finish(child: int) -> None:
    _, status = os.waitpid(child, 0)
    if status:
        raise SystemExit(f"the command ended with status {status}")


def kill(child: int, reached: Callable[[], bool]) -> None:
    """Kills a life as soon as it has come so far."""
    deadline = time.monotonic() + LONGEST_WAIT
    while not reached():
        if time.monotonic() > deadline or os.waitpid(child, os.WNOHANG) != (0, 0):
            raise SystemExit("the run ended, or stood still, before it could be killed")
        time.sleep(0.03)  # a look costs some milliseconds
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        raise SystemExit("the run ended before it was killed")


def position(run: Path) -> dict[str, Any]:
    """Where the committed state of a run stands; empty before the first commit and after the last."""
    try:
        with np.load(run / "state" / "state.npz") as file:
            return json.loads(str(file["position"]))
    except FileNotFoundError:
        return {}


def main(folder: Path, words: Sequence[str]) -> None:
    undisturbed, killed = folder / "undisturbed", folder / "killed"
    reference = start(words, undisturbed)
    stopped_at, had_model = [], []

    def is_within(phase: int) -> bool:
        at = position(killed)
        return at.get("phase") == phase and at["step"] > 0

    for phase in range(2):
        kill(start(words, killed), lambda phase=phase: is_within(phase))
        stopped_at.append(position(killed))
        had_model.append((killed / "classifier").exists())
    kill(start(words, killed), (killed / "classifier").exists)
    finish(start(words, killed))
    finish(reference)
    said = killed.with_suffix(".said").read_text()
    print(json.dumps({"stopped_at": stopped_at, "had_model": had_model, "said": said}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
