"""Which shape of branches pays on an encoder: one fine-tuned classifier a shape, under the same settings.

    python benchmarks/branch_shapes.py --shapes 16x1,32x2,64x2,128x2 --work runs/branch_shapes
    python benchmarks/branch_shapes.py --render      docs/results.md, from the stored results

A shape is width x heads. Every classifier learns from the same training rows of SST-2, and is judged on others that
were held out of all training. Called again, it goes on where it was stopped. FASTBERT_DATA names the folder of the data
sets.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from absl import app, flags
from harness.branch_shapes import RESULTS
from harness.results_page import write_page

from fastbert_tf.data import Task, load_task
from fastbert_tf.evaluation import Report
from fastbert_tf.recipes import evaluate_classifier, train_classifier

_CHECKPOINT = flags.DEFINE_string("checkpoint", "builtin", "the encoder")
_SHAPES = flags.DEFINE_list("shapes", ["16x1", "32x2", "64x2", "128x2"], "width x heads, with commas between")
_WORK = flags.DEFINE_string("work", "runs/branch_shapes", "folder of the runs")
_ROWS = flags.DEFINE_integer("rows", 20_000, "training rows to take", lower_bound=100)
_JUDGED = flags.DEFINE_integer("judged", 5000, "training rows that are held out, and judge", lower_bound=100)
_RENDER = flags.DEFINE_boolean("render", False, "write the page from the stored results, and run nothing")

SEED = 0


def reduced(task: Task) -> Task:
    """Returns the task with fewer training rows, and with training rows for those that are reported on."""
    others, judged = task.train.split(_JUDGED.value, SEED)
    _, train = others.split(_ROWS.value, SEED + 1)
    return replace(task, train=train, dev=judged, test=None)


def size(shape: str) -> tuple[int, int]:
    """Reads width and heads."""
    width, _, heads = shape.partition("x")
    if not (width.isdigit() and heads.isdigit()):
        raise app.UsageError(f"a shape is width x heads, such as 64x2, but is {shape!r}")
    return int(width), int(heads)


def evaluated(task: Task, shape: str) -> Report:
    """Trains and evaluates one shape."""
    width, heads = size(shape)
    folder = Path(_WORK.value) / shape
    classifier = train_classifier(
        task, folder, _CHECKPOINT.value, branch_dim=width, branch_heads=heads, held_out=0.05, verbose=2
    )
    return evaluate_classifier(classifier, task.dev, folder / "evaluation", shape, latency_rows=0)


def main(_: list[str]) -> None:
    """Trains, evaluates and keeps what the page needs."""
    if not _RENDER.value:
        task = reduced(load_task("sst2"))
        for shape in _SHAPES.value:
            print(evaluated(task, shape).text(), flush=True)
            kept = RESULTS / shape
            kept.mkdir(parents=True, exist_ok=True)
            for file in ("settings.json", "evaluation/evaluation.json"):
                shutil.copy(Path(_WORK.value) / shape / file, kept)
    write_page()


if __name__ == "__main__":
    app.run(main)
