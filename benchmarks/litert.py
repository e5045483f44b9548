"""LiteRT files beside SavedModels: answers, size and time at batch 1 on one thread.

    python benchmarks/litert.py --classifier "6 x 384=runs/sst2/classifier" --vocabulary student_vocab.txt

Every classifier named is exported as a SavedModel in float32 and int8 and as LiteRT in float16 and int8, all exits on.
All rows of SST-2 dev go through all of them at several speeds; then they take turns, a pass at a time, on rows of real
lengths and of 25 tokens. `--vocabulary` adds students of several widths with random weights, whose sizes, and times at
speed 0, are those of trained ones; where they leave says nothing. Writes the figures, and the measured part of
docs/small_devices.md.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
from absl import app, flags
from harness.litert import page
from harness.litert.engines import load_engines
from harness.litert.figures import latency, parity, timed_rows

from fastbert_tf.checkpoints import SavedClassifier, load_classifier
from fastbert_tf.config import BackboneConfig, FastBertConfig
from fastbert_tf.data import Task, load_task
from fastbert_tf.device.interpreter import interpreter_name
from fastbert_tf.evaluation import machine
from fastbert_tf.models import FastBert, student_config
from fastbert_tokenizers import Vocabulary, WordPieceTokenizer

_CLASSIFIER = flags.DEFINE_multi_string("classifier", [], "NAME=folder of a classifier trained on SST-2; repeatable")
_VOCABULARY = flags.DEFINE_string(
    "vocabulary", None, "a student's vocab.txt: also measure students with random weights"
)
_WIDTHS = flags.DEFINE_list("widths", ["48", "96", "192"], "widths of these students")
_ROWS = flags.DEFINE_integer("rows", 200, "rows that are timed", lower_bound=2)
_TURNS = flags.DEFINE_integer("turns", 5, "timings of every row", lower_bound=1)

TEACHER = BackboneConfig(30522, num_layers=6, num_heads=12, hidden_dim=384, intermediate_dim=1536)
MAX_SEQUENCE_LENGTH = 128


def random_student(width: int, vocabulary: Vocabulary, task: Task) -> SavedClassifier:
    """Returns a student with random weights, its branches as wide as itself, at most as FastBERT's."""
    keras.utils.set_random_seed(0)
    shape = student_config(TEACHER, width, len(vocabulary))
    config = FastBertConfig(shape, task.num_classes, branch_dim=min(width, 128), branch_heads=2)
    tokenizer = WordPieceTokenizer(vocabulary, max_sequence_length=MAX_SEQUENCE_LENGTH)
    return SavedClassifier(FastBert.from_fastbert_config(config), tokenizer, task.label_names, is_pair=False)


def measured(classifier: SavedClassifier, task: Task, is_trained: bool) -> dict[str, Any]:
    """Measures one model."""
    assert task.dev.labels is not None  # of SST-2
    rows = classifier.tokenizer.encode(list(task.dev.texts))["token_ids"].to_list()
    with tempfile.TemporaryDirectory() as work:
        engines = load_engines(classifier, task.train, Path(work))
        return {
            "parameters": sum(int(np.prod(weight.shape)) for weight in classifier.model.weights),
            "config": classifier.model.config.to_dict(),
            "rows": len(rows),
            "bytes": {name: engine.size for name, engine in engines.items()},
            "parity": parity(engines, rows, task.dev.labels) if is_trained else [],
            "latency": latency(engines, timed_rows(rows, _ROWS.value), _TURNS.value),
        }


def keep(results: dict[str, Any], name: str, model: dict[str, Any]) -> None:
    """Writes what is known so far, so that nothing measured is lost."""
    results["models"][name] = model
    page.FIGURES.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    page.PAGE.write_text(page.with_measured_part(page.PAGE.read_text(encoding="utf-8"), results), encoding="utf-8")


def main(_: list[str]) -> None:
    """Measures, and writes figures and page."""
    task = load_task("sst2")
    named = dict(entry.split("=", 1) for entry in _CLASSIFIER.value)
    vocabulary = None if _VOCABULARY.value is None else Vocabulary.load(_VOCABULARY.value)
    if not named and vocabulary is None:
        raise app.UsageError("name a --classifier, a --vocabulary, or both")
    results: dict[str, Any] = {"machine": machine(), "interpreter": interpreter_name(), "models": {}}
    for name, folder in named.items():
        keep(results, name, measured(load_classifier(folder), task, is_trained=True))
    if vocabulary is not None:
        for width in _WIDTHS.value:
            student = random_student(int(width), vocabulary, task)
            keep(results, f"student, {width} wide, random weights", measured(student, task, is_trained=False))
    print(page.measured_part(results))
    print(f"written to {page.FIGURES} and {page.PAGE}")


if __name__ == "__main__":
    app.run(main)
