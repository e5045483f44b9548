"""A small Chinese encoder, pretrained here, against random weights of its shape.

    FASTBERT_DATA=data python benchmarks/chinese_backbone.py --folder runs/zh

Writes the training texts of Book review, Shopping review and THUCNews as a corpus, learns a vocabulary from them and
Chinese Wikipedia, pretrains an encoder on both, and fine-tunes it and random weights on Book review: each with the
learning rate, of the same three, that is best on the dev part, and with three seeds. The same command goes on where it
was stopped, in any of these parts. `--part` runs one alone.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from absl import app, flags
from harness.backbone.comparison import STARTS, compare, fine_tuner
from harness.backbone.settings import TASKS, Settings

from fastbert_tf.data import load_task
from fastbert_tf.recipes import pretrain, write_task_texts
from fastbert_tf.recipes.train import parse_shape
from fastbert_tf.recipes.vocab import build_vocabulary, load_vocabulary

PARTS = ("corpus", "pretraining", "comparison")

_FOLDER = flags.DEFINE_string("folder", None, "where all of it lies", required=True)
_PART = flags.DEFINE_multi_enum("part", list(PARTS), PARTS, "what to do")
_TASK = flags.DEFINE_enum("task", "book_review", TASKS, "what the two are compared on")
_SEEDS = flags.DEFINE_integer("seeds", Settings.seeds, "runs of either start", lower_bound=1)
_OUTPUT = flags.DEFINE_string("output", "docs/results/chinese_backbone.json", "file for the figures")


def make_corpus(settings: Settings) -> None:
    """Writes texts and vocabulary, once: a run goes on with the same ones."""
    if settings.vocabulary.exists():
        return
    written = write_task_texts(
        [load_task(name) for name in TASKS], settings.texts, calibration_rows=settings.calibration_rows
    )
    print(written.text())
    report = build_vocabulary(
        settings.vocabulary,
        [settings.wikipedia[0], settings.texts / "train.txt"],
        size=settings.vocabulary_size,
        character_coverage=settings.character_coverage,
        held_out=[settings.wikipedia[1], settings.texts / "held_out.txt"],
        progress=True,
    )
    print(report.text(), flush=True)


def pretrain_backbone(settings: Settings) -> None:
    vocabulary = load_vocabulary(settings.vocabulary)
    pretrain(
        [settings.wikipedia[0], *[settings.texts / "train.txt"] * settings.task_weight],
        [settings.wikipedia[1], settings.texts / "held_out.txt"],
        settings.run,
        shape=parse_shape(settings.shape, vocabulary),
        vocabulary=vocabulary,
        config=settings.pretraining,
        verbose=2,
    )


def store(settings: Settings, output: Path) -> None:
    """Compares, and adds the task to the figures."""
    found = compare(fine_tuner(settings), settings.rates, settings.seeds)
    history = json.loads((settings.run / "history.json").read_text())
    there = json.loads(output.read_text()) if output.exists() else {"tasks": {}}
    results = {
        "shape": settings.shape,
        "vocabulary_size": settings.vocabulary_size,
        "calibration_rows": settings.calibration_rows,
        "task_weight": settings.task_weight,
        "pretraining": {**asdict(settings.pretraining), "history": history},
        "tasks": {**there["tasks"], settings.task: found},
    }
    output.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    for start in STARTS:
        scores = 100 * np.array(found[start]["test"])
        print(f"{settings.task}, {start}: {scores.mean():.2f} +- {scores.std():.2f} % of the test part")
    print(f"gain: {found['gain_in_points']} points; written to {output}")


def main(_: list[str]) -> None:
    settings = replace(Settings(Path(_FOLDER.value)), task=_TASK.value, seeds=_SEEDS.value)
    settings.folder.mkdir(parents=True, exist_ok=True)
    if "corpus" in _PART.value:
        make_corpus(settings)
    if "pretraining" in _PART.value:
        pretrain_backbone(settings)
    if "comparison" in _PART.value:
        store(settings, Path(_OUTPUT.value))


if __name__ == "__main__":
    app.run(main)
