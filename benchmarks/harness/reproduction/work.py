"""Does the parts, each in its place of a work folder: a killed run goes on with the same call."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastbert_tf.checkpoints import load_classifier
from fastbert_tf.data import Task, load_task
from fastbert_tf.evaluation import machine
from harness.reproduction.answering import AllBranches
from harness.reproduction.bag_of_words import BagOfWords, fit
from harness.reproduction.opening import opened
from harness.reproduction.plan import BAG, FASTBERT, LONGER, TIMES, UNLABELLED, Part
from harness.reproduction.rows import Rows, extra_file
from harness.reproduction.settings import DROPS, EXTRA_TEXTS, TASKS
from harness.reproduction.times import measured_times
from harness.reproduction.training import Trainer, history
from harness.reproduction.tuning import certify, tune
from harness.reproduction.work_folder import TEST, WorkFolder

BAG_FILE = "classifier.npz"


@dataclass(frozen=True)
class Work:
    """A work folder, and what it takes to fill it."""

    folder: WorkFolder
    checkpoints: Mapping[str, Path | None]
    """The pretrained encoder of each language; None where it is not given."""
    verbose: int = 2
    """Keras' progress bar."""

    def require(self, wanted: Sequence[Part]) -> None:
        """Finds what would fail only after long work, in those parts that are not done.

        Args:
            wanted: what is to be done, in order.

        Raises:
            ValueError: an encoder, a data set or an extra text is missing, or a part that another begins with is not
                done and does not come before it, or is another one than it began with.
        """
        missing = [part for part in wanted if not self.folder.is_done(part)]
        for number, part in enumerate(missing):
            self._require_beginning(part, missing[:number])
        for task in dict.fromkeys(source for part in missing for source in _sources(part)):
            load_task(task)

    def _require_beginning(self, part: Part, coming: Sequence[Part]) -> None:
        if self.folder.is_stale(part):
            raise ValueError(
                f"{part.name} was made from another model of {', '.join(part.begins_with)} than the one that is there; "
                f"remove {self.folder.of(part)} to make it anew"
            )
        for first in (Part(part.task, kind) for kind in part.begins_with):
            if first not in coming and not self.folder.is_done(first):
                raise ValueError(f"{part.name} begins with the model of {first.name}; make that part first")
        language = TASKS[part.task].language
        checkpoint = self.checkpoints.get(language)
        if part.needs_encoder and (checkpoint is None or not (checkpoint / "config.json").is_file()):
            raise ValueError(f"{part.name} starts from the {language} encoder, which is not at {checkpoint}; name it")

    def do(self, part: Part) -> None:
        """Does a part that is not done.

        Raises:
            ValueError: something that it needs is missing.
        """
        if self.folder.is_done(part):
            return
        self.require([part])
        began, task = time.monotonic(), load_task(part.task)
        made = {BAG: self._bag, TIMES: self._times}.get(part.kind, self._classifier)(part, task)
        minutes = round((time.monotonic() - began) / 60, 1)
        self.folder.keep_result(part, {**made, "machine": machine(), "minutes_of_this_call": minutes})

    def _classifier(self, part: Part, task: Task) -> dict[str, Any]:
        checkpoint = self.checkpoints.get(TASKS[part.task].language)
        trained = Trainer(task, checkpoint, self.folder.path / part.task, self.verbose).train(part)
        model = AllBranches(trained)
        if part.kind == FASTBERT:  # policies are fixed before the rows that are reported on are read
            self._choose_policies(model, task)
        opened(model, task, self.folder.of(part) / TEST)
        return {
            "model": model.digest,
            "config": trained.model.config.to_dict(),
            "metrics": list(task.metrics),
            "history": history(self.folder.of(part)),
        }

    def _choose_policies(self, model: AllBranches, task: Task) -> None:
        if self.folder.choices(task.name, model.digest) is not None:
            return
        outputs, config = model.answers(Rows.of(task).calibration), model.classifier.model.config
        choices = {
            kind: {f"{drop:g}": choose(outputs, config, drop) for drop in DROPS}
            for kind, choose in (("policies", tune), ("certified", certify))
        }
        self.folder.keep_choices(task.name, model.digest, choices)

    def _bag(self, part: Part, task: Task) -> dict[str, Any]:
        """Fits, stores and then opens the n-grams."""
        file, rows = self.folder.of(part) / BAG_FILE, Rows.of(task)
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            fit(rows.train, rows.selection, TASKS[task.name].language).save(file)
        bag = BagOfWords.load(file)
        opened(bag, task, self.folder.of(part) / TEST)
        return {"model": bag.digest}

    def _times(self, part: Part, task: Task) -> dict[str, Any]:
        classifier = load_classifier(self.folder.of(Part(part.task, FASTBERT)) / "classifier")
        bag = BagOfWords.load(self.folder.of(Part(part.task, BAG)) / BAG_FILE)
        return {"times": measured_times(Rows.of(task).selection, classifier, bag)}


def _sources(part: Part) -> list[str]:
    """Names the tasks whose data a part reads; refuses one whose unlabelled text is missing."""
    extra = part.kind in (UNLABELLED, LONGER) and extra_file(part.task) is None
    return [part.task, *([EXTRA_TEXTS[part.task]] if extra else [])]
