"""Trains what the parts compare."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras

from fastbert_tf.checkpoints import SavedClassifier, load_classifier, save_classifier
from fastbert_tf.config import FastBertConfig, StageConfig
from fastbert_tf.data import BatchPipeline, Task, TextDataset
from fastbert_tf.models import FastBert
from fastbert_tf.recipes.digest import classifier_digest, dataset_digest
from fastbert_tf.recipes.run_directory import RunDirectory
from fastbert_tf.recipes.train import train_classifier
from fastbert_tf.training import AlternatingSchedule, TaskDistillation
from fastbert_tf.training.optimizers import adamw
from fastbert_tf.training.phases import Phase, PhaseRunner
from harness.fresh_students import with_fresh_students
from harness.reproduction.cut import cut_checkpoint, spread_layers
from harness.reproduction.plan import CUT, FASTBERT, JOINT, LONGER, REVERSE, STUDENTS_ALONE, UNLABELLED, Part
from harness.reproduction.rows import SEED, Rows, extra_texts
from harness.reproduction.settings import OBSERVED_SPEED, TASKS, TaskSettings


@dataclass(frozen=True)
class Trainer:
    """Trains the parts of a task; each goes on where it was stopped, and is not trained twice."""

    task: Task
    checkpoint: Path | None
    """The pretrained encoder of the task's language, for the parts that begin with it."""
    folder: Path
    """Of the task's runs."""
    verbose: int = 2
    """Keras' progress bar."""

    @property
    def settings(self) -> TaskSettings:
        return TASKS[self.task.name]

    def train(self, part: Part) -> SavedClassifier:
        """Returns the part's classifier, trained; some begin with the fine-tuned model of the task."""
        if part.needs_encoder:
            return self._from_checkpoint(part)
        trained = load_classifier(self._run(FASTBERT).result)
        return (self._students_anew if part.kind in STUDENTS_ALONE else self._distilled)(part, trained)

    def _run(self, kind: str) -> RunDirectory:
        return RunDirectory(self.folder / kind)

    def _from_checkpoint(self, part: Part) -> SavedClassifier:
        assert self.checkpoint is not None
        checkpoint, config = self.checkpoint, self.settings.training(self_distillation=part.kind != JOINT)
        if part.kind in CUT:
            checkpoint = cut_checkpoint(checkpoint, part.depth, self.folder / f"first_{part.depth}_layers")
            config = replace(config, distillation=StageConfig(0, config.distillation.learning_rate))
        return train_classifier(
            self.task,
            self.folder / part.kind,
            checkpoint,
            config=config,
            branch_dim=self.settings.branch_dim,
            calibration_rows=self.settings.calibration_rows,
            verbose=self.verbose,
            observe_speed=None if part.kind in CUT else OBSERVED_SPEED,
        )

    def _students_anew(self, part: Part, trained: SavedClassifier) -> SavedClassifier:
        """Keeps backbone and teacher, and distils other students: no label is read."""
        rows, stage = Rows.of(self.task), self.settings.training().distillation
        texts = extra_texts(self.task, rows) if part.kind in (UNLABELLED, LONGER) else rows.train
        if part.kind == LONGER:  # as many steps on the training texts alone
            stage = replace(stage, epochs=round(stage.epochs * len(texts) / len(rows.train)))
            texts = rows.train
        config = replace(
            self.settings.training(divergence="reverse" if part.kind == REVERSE else "forward"),
            fine_tuning=StageConfig(0, 2e-5),
            distillation=stage,
        )
        student = replace(trained, model=with_fresh_students(trained.model, SEED))
        learned_from = {"train": rows.train, "selection": rows.selection, "texts": texts}
        pipelines = [BatchPipeline(some, trained.tokenizer) for some in learned_from.values()]

        def fit(run: RunDirectory) -> list[dict[str, Any]]:
            return AlternatingSchedule(config, run.state, None, self.verbose).run(student.model, *pipelines)

        return self._completed(part, trained, student, {"training": config.decisive()}, learned_from, fit)

    def _distilled(self, part: Part, trained: SavedClassifier) -> SavedClassifier:
        """A smaller model learns from the fine-tuned one, from which it also takes layers."""
        rows, config = Rows.of(self.task), self.settings.training()
        keras.utils.set_random_seed(SEED)
        student = replace(trained, model=shallow(trained.model, part.depth))
        learned_from = {"train": rows.train, "selection": rows.selection}
        batches, selection = (BatchPipeline(some, trained.tokenizer) for some in learned_from.values())
        stage = config.fine_tuning
        phase = Phase(
            "task_distillation",
            lambda: TaskDistillation(student.model, trained.model),
            lambda: adamw(stage, stage.epochs * batches.steps_per_epoch),
            stage.learning_rate,
            stage.epochs,
            batches,
            selection,
        )

        def fit(run: RunDirectory) -> list[dict[str, Any]]:
            return PhaseRunner(config, run.state, None, self.verbose).run_phases([phase])

        settings = {"training": config.decisive(), "depth": part.depth}
        return self._completed(part, trained, student, settings, learned_from, fit)

    def _completed(
        self,
        part: Part,
        trained: SavedClassifier,
        student: SavedClassifier,
        settings: dict[str, Any],
        learned_from: Mapping[str, TextDataset],
        fit: Callable[[RunDirectory], list[dict[str, Any]]],
    ) -> SavedClassifier:
        run = self._run(part.kind)
        rows = {name: {"count": len(some), "digest": dataset_digest(some)} for name, some in learned_from.items()}
        run.claim({"task": self.task.name, "begins_with": classifier_digest(trained), "rows": rows, **settings})
        run.complete(lambda: fit(run), lambda folder: save_classifier(student, folder))
        return load_classifier(run.result)


def shallow(teacher: FastBert, depth: int) -> FastBert:
    """Returns a model of fewer layers that begins with layers, embeddings and last classifier of another."""
    shape = teacher.config
    backbone = replace(shape.backbone, num_layers=depth)
    student = FastBert.from_fastbert_config(
        FastBertConfig(backbone, shape.num_classes, shape.branch_dim, shape.branch_heads)
    )
    student.backbone.embeddings.set_weights(teacher.backbone.embeddings.get_weights())
    for block, number in zip(student.backbone.blocks, spread_layers(shape.backbone.num_layers, depth), strict=True):
        block.set_weights(teacher.backbone.blocks[number].get_weights())
    student.teacher.set_weights(teacher.teacher.get_weights())
    return student


def history(folder: Path) -> list[dict[str, Any]]:
    """Reads the epochs of a finished run."""
    return json.loads((folder / "history.json").read_text(encoding="utf-8"))
