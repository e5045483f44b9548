"""How fast the exported graphs are beside the engines that users would pick instead.

    make bench BENCH_ARGS="--classifier sst2=runs/sst2/classifier --classifier book_review=runs/book_review/classifier"
    python benchmarks/performance.py --parts dense --turns 3 --classifier sst2=DIR
    python benchmarks/performance.py --render         docs/performance.md and its figures from what is stored

Every engine runs in a process of its own with the same number of threads, on the same weights, texts and tokens. They
take turns on each batch list, and another one goes first each turn; of every batch the median counts. Every part
leaves one JSON file; a part that has one is not run again unless --again says so. Let nothing else run.

Parts: `dense` (BERT-base's shape, 128 tokens, random weights), `real` (SST-2 and Book review at full depth), `adaptive`
(early exit against full depth, and what the scheduler predicts), `chosen` (at most half a point below the teacher,
beside ONNX Runtime and the package `fastbert`), `profile` (which parts take the time), `accuracy` (int8 and bfloat16
against float32), `tokenization`.
"""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

from absl import app, flags, logging
from harness.performance import accuracy, adaptive, chosen, dense, parts, real, tokenization
from harness.performance.figures import draw
from harness.performance.machine import machine
from harness.performance.page import PAGE, RESULTS, page
from harness.performance.settings import Settings, every_engine

from fastbert_tf.data import TASKS
from fastbert_tf.recipes.threads import set_threads

PARTS = {
    "dense": dense.measure,
    "real": real.measure,
    "adaptive": adaptive.measure,
    "chosen": chosen.measure,
    "profile": parts.measure,
    "accuracy": accuracy.measure,
    "tokenization": tokenization.measure,
}

_PARTS = flags.DEFINE_multi_enum("parts", None, list(PARTS), "the parts to run; all of them where none is named")
_CLASSIFIER = flags.DEFINE_multi_string("classifier", [], "TASK=DIR, a trained classifier; sst2 is always needed")
_EXPORT = flags.DEFINE_multi_string(
    "export", [], "NAME=DIR, a version directory of sst2's classifier to measure, too, in real, adaptive and chosen"
)
_ENGINES = flags.DEFINE_list("engines", [], "of dense and real: parts of names, only engines that hold one run")
_THREADS = flags.DEFINE_integer("threads", 2, "threads of every engine", lower_bound=1)
_TURNS = flags.DEFINE_integer("turns", 5, "timed passes of every engine", lower_bound=1)
_ROWS = flags.DEFINE_integer("rows", 320, "at most so many rows of a data set are timed", lower_bound=1)
_WORK = flags.DEFINE_string("work", "runs/performance", "folder for models, graphs and logs; kept for the next run")
_OUTPUT = flags.DEFINE_string("output", str(RESULTS), "folder for the JSON files")
_AGAIN = flags.DEFINE_boolean("again", False, "run parts that have a result")
_RENDER = flags.DEFINE_boolean("render", False, "write docs/performance.md from the results, and run nothing")


def named(values: list[str]) -> dict[str, str]:
    """Reads NAME=VALUE arguments."""
    pairs = [value.partition("=") for value in values]
    wrong = [name for name, equals, _ in pairs if not equals]
    if wrong:
        raise app.UsageError(f"{wrong[0]!r} should be NAME=DIR")
    return {name: value for name, _, value in pairs}


def check(settings: Settings) -> None:
    """Finds what would fail only after long work.

    Raises:
        UsageError: a classifier, an export or an engine is not there.
    """
    if "sst2" not in settings.classifiers:
        raise app.UsageError("give --classifier sst2=DIR, the folder that `fastbert train --task sst2` has left")
    for task, folder in settings.classifiers.items():
        if task not in TASKS:
            raise app.UsageError(f"{task} is no task; known are {', '.join(TASKS)}")
        for path in (Path(folder) / "config.json", Path(folder).parent / "settings.json"):
            if not path.is_file():
                raise app.UsageError(
                    f"{path} is missing; give the folder `classifier` inside a run of `fastbert train`"
                )
    for folder in settings.exports.values():
        if not (Path(folder) / "saved_model.pb").is_file():
            raise app.UsageError(f"{folder} is no version directory: it holds no saved_model.pb")
    if not any(map(settings.wanted, every_engine())):
        raise app.UsageError(f"no engine's name holds {' or '.join(settings.engines)}; {', '.join(every_engine())}")


def run(part: str, settings: Settings, output: Path) -> None:
    """Runs a part and writes its file."""
    target = output / f"{part}.json"
    if target.exists() and not _AGAIN.value:
        print(f"{part}: has a result already, {target}")
        return
    began = time.monotonic()
    result = PARTS[part](settings)
    about = {"machine": machine(), "threads": settings.threads, "turns": settings.turns, "rows_timed": settings.rows}
    about |= {"engines": list(settings.engines), "commit": commit()}
    minutes = (time.monotonic() - began) / 60
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({**about, "minutes": round(minutes, 1), **result}, indent=1) + "\n", encoding="utf-8")
    print(f"{part}: {minutes:.1f} minutes, written to {target}")


def commit() -> str:
    """Names the version of this repository that is measured; empty outside of one."""
    asked = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return asked.stdout.strip()


def main(_: list[str]) -> None:
    """Runs parts, or renders the page."""
    logging.set_verbosity(logging.ERROR)  # TensorFlow and the quantiser report every step
    if not _RENDER.value:
        settings = Settings(
            classifiers=named(_CLASSIFIER.value),
            exports=named(_EXPORT.value),
            engines=tuple(_ENGINES.value),
            work=Path(_WORK.value).resolve(),
            threads=_THREADS.value,
            turns=_TURNS.value,
            rows=_ROWS.value,
        )
        check(settings)
        set_threads(1, 1)  # the scheduler times exits in this process: as a server runs them
        for part in _PARTS.value or PARTS:
            run(part, settings, Path(_OUTPUT.value))
    if Path(_OUTPUT.value).resolve() == RESULTS:
        draw()
        PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    app.run(main)
