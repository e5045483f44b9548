"""Which threads suit an export: those of one operation, or a thread a call.

    python benchmarks/threads.py --export exports/sst2 --lengths 12,20,25,30,40

Runs one text, and calls of several, with the same number of threads in each way, in turns; then a first text of every
length against later ones. Figures are medians over the lengths, in milliseconds a text.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from absl import app, flags
from harness.peers.job import Job
from harness.peers.processes import EngineSettings, take_turns
from harness.peers.workload import Workload
from harness.performance.timing import running
from harness.session_call import newest_version

_EXPORT = flags.DEFINE_string("export", None, "an export's folder", required=True)
_LENGTHS = flags.DEFINE_list("lengths", ["12", "20", "25", "30", "40"], "tokens of the texts")
_ROWS = flags.DEFINE_integer("rows", 32, "texts of a large call", lower_bound=2)
_THREADS = flags.DEFINE_integer("threads", 2, "threads", lower_bound=1)
_TURNS = flags.DEFINE_integer("turns", 20, "timings of every length", lower_bound=1)
_SPEED = flags.DEFINE_float("speed", 0.0, "speed of every text", lower_bound=0, upper_bound=1)

EVERY_LENGTH = range(1, 65)


def job(lengths: Iterable[int], rows: int, folder: Path) -> Job:
    """Makes calls of equal texts, one of every length."""
    token_ids = [[1] * length for length in lengths for _ in range(rows)]  # token 1 exists in every vocabulary
    path = folder / f"{rows}_{len(token_ids)}.json"
    Workload(token_ids, [[0] * len(ids) for ids in token_ids], [], []).save(path)
    return Job(str(path), rows, speed=_SPEED.value)


def main(_: list[str]) -> None:
    """Prints a line for each way and number of texts."""
    source, threads = str(newest_version(Path(_EXPORT.value))), _THREADS.value
    ways = {
        "a thread a call": EngineSettings("saved_model", source, "", 1, split=threads),
        f"{threads} threads an operation": EngineSettings("saved_model", source, "", threads),
        "new": EngineSettings("saved_model", source, "", 1),
    }
    lengths = [int(length) for length in _LENGTHS.value]
    with tempfile.TemporaryDirectory() as name, running(ways, Path(name)) as engines:
        new = engines.pop("new")
        for rows in (1, _ROWS.value):
            asked = job(lengths, rows, Path(name))
            for way, seconds in take_turns(engines, dict.fromkeys(engines, asked), _TURNS.value).items():
                print(f"{rows} texts a call, {way}: {1000 * np.median(seconds) / rows:.2f} ms a text")
        single = job(EVERY_LENGTH, 1, Path(name))
        first, *later = (np.array(new.seconds(single)) for _ in range(6))
        more = 1000 * np.median(first - np.median(later, axis=0))
        print(f"the first text of a length, of {len(EVERY_LENGTH)}: {more:.2f} ms more than later ones")


if __name__ == "__main__":
    app.run(main)
