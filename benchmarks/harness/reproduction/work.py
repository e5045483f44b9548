"""Does the parts, and keeps what they leave in a work folder: a killed run goes on with the same call."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastbert_tf.checkpoints import SavedClassifier, load_classifier
from fastbert_tf.config import FastBertConfig
from fastbert_tf.data import BatchPipeline, Task, load_task
from fastbert_tf.evaluation import BranchOutputs, machine, predict_branches, read_outputs
from fastbert_tf.evaluation.metrics import accuracy
from fastbert_tf.files import file_swap
from fastbert_tf.inference import FloatStack
from fastbert_tf.recipes.digest import classifier_digest
from fastbert_tf.recipes.train import report_part
from harness.reproduction import bag_of_words
from harness.reproduction.opening import opened
from harness.reproduction.plan import BAG, FASTBERT, TIMES, Part
from harness.reproduction.rows import Rows
from harness.reproduction.settings import DROPS, TASKS
from harness.reproduction.times import measured_times
from harness.reproduction.training import Trainer, history
from harness.reproduction.tuning import Tuned, certify, tune

RESULT, TUNED, TEST = "result.json", "tuned.json", "test"


@dataclass(frozen=True)
class Work:
    """The work folder."""

    folder: Path
    checkpoints: Mapping[str, Path | None]
    """The pretrained encoder of each language; None where it is not given."""

    def path(self, part: Part) -> Path:
        """Where a part lies."""
        return self.folder / part.task / part.kind

    def is_done(self, part: Part) -> bool:
        return (self.path(part) / RESULT).is_file()

    def require(self, part: Part, coming: Sequence[Part] = ()) -> None:
        """Finds what would fail only after long work.

        Args:
            part: what is to be done.
            coming: what will be done before it.

        Raises:
            ValueError: the checkpoint of the part's language is not given, or a part that it begins with is not done.
        """
        first = Part(part.task, FASTBERT)
        if part.needs_fastbert and first not in coming and not self.is_done(first):
            raise ValueError(f"{part.name} begins with the model of {first.name}; make that part first")
        checkpoint = self.checkpoints.get(TASKS[part.task].language)
        if part.kind != BAG and (checkpoint is None or not (checkpoint / "config.json").is_file()):
            language = TASKS[part.task].language
            raise ValueError(f"{part.name} starts from the {language} encoder, which is not at {checkpoint}; name it")

    def do(self, part: Part) -> None:
        """Does a part that is not done.

        Raises:
            ValueError: something that it needs is missing.
        """
        if self.is_done(part):
            return
        self.require(part)
        began = time.monotonic()
        task, folder = load_task(part.task), self.path(part)
        if part.kind == BAG:
            found = _bag(task)
        elif part.kind == TIMES:
            trained = load_classifier(self.folder / part.task / FASTBERT / "classifier")
            found = measured_times(task, trained)
        else:
            found = self._model(part, task)
        found |= {"machine": machine(), "minutes_of_this_call": round((time.monotonic() - began) / 60, 1)}
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / RESULT, found)

    def _model(self, part: Part, task: Task) -> dict[str, Any]:
        checkpoint = self.checkpoints[TASKS[part.task].language]
        assert checkpoint is not None
        classifier = Trainer(task, checkpoint, self.folder / part.task).train(part)
        if part.kind == FASTBERT:  # policies are fixed before the rows that are reported on are read
            _tune(classifier, task, self.path(part))
        outputs = opened(classifier, task, self.path(part) / TEST)
        assert outputs.labels is not None
        return {
            "model": classifier_digest(classifier),
            "config": classifier.model.config.to_dict(),
            "history": history(self.path(part)),
            "accuracy": accuracy(outputs.labels, outputs.predictions[:, -1]),
        }

    # === What was left ===

    def result(self, part: Part) -> dict[str, Any] | None:
        """Reads what a part left; None where it is not done."""
        if not self.is_done(part):
            return None
        return json.loads((self.path(part) / RESULT).read_text(encoding="utf-8"))

    def outputs(self, part: Part) -> tuple[BranchOutputs, FastBertConfig]:
        """Reads what the model of a part that is done says about the rows that are reported on."""
        result = self.result(part)
        assert result is not None
        outputs = read_outputs(self.path(part) / TEST, result["model"])
        if outputs is None:
            raise ValueError(f"{self.path(part) / TEST} keeps no answers of the model of {part.name}")
        return outputs, FastBertConfig.from_dict(result["config"])

    def tuned(self, task: str) -> dict[str, dict[str, list[Tuned]]]:
        """Reads the policies of a task: `tuned` and `certified`, each by drop."""
        there = json.loads((self.path(Part(task, FASTBERT)) / TUNED).read_text(encoding="utf-8"))
        return {
            kind: {drop: [Tuned.from_dict(one) for one in found] for drop, found in there[kind].items()}
            for kind in ("tuned", "certified")
        }


def _tune(classifier: SavedClassifier, task: Task, folder: Path) -> None:
    """Writes policies and speeds, once."""
    if (folder / TUNED).exists():
        return
    rows = Rows.of(task).calibration
    batches = BatchPipeline(rows, classifier.tokenizer).ordered()
    outputs, config = predict_branches(FloatStack(classifier.model), batches), classifier.model.config
    found: dict[str, Any] = {"rows": len(rows)}
    for name, choose in (("tuned", tune), ("certified", certify)):
        found[name] = {f"{drop:g}": [one.to_dict() for one in choose(outputs, config, drop)] for drop in DROPS}
    _write(folder / TUNED, found)


def _bag(task: Task) -> dict[str, Any]:
    """Fits and scores the n-grams."""
    rows, reported = Rows.of(task), report_part(task)
    model, found = bag_of_words.fit(rows.train, rows.selection, TASKS[task.name].language)
    assert reported.labels is not None
    return {**found, "accuracy": accuracy(reported.labels, model.predict(reported))}


def _write(path: Path, values: dict[str, Any]) -> None:
    with file_swap(path) as unfinished:
        unfinished.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
