"""A classifier in all the forms that are measured."""

from __future__ import annotations

import gc
import json
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import keras
import numpy as np

from fastbert_serving.manifest import Exits
from fastbert_tf.checkpoints import SavedClassifier, load_classifier
from fastbert_tf.config import BackboneConfig, FastBertConfig
from fastbert_tf.data import TextDataset, load_task
from fastbert_tf.evaluation import BranchOutputs
from fastbert_tf.inference import ExitSchedule, SavableStack
from fastbert_tf.models import FastBert
from fastbert_tf.recipes.digest import weights_digest
from fastbert_tf.recipes.exits import ExitRequest, choose
from fastbert_tf.recipes.train import report_part
from harness.peers.engine import PRECISIONS
from harness.peers.hugging_face_tokenizer import SETTINGS_FILE
from harness.peers.portable_model import portable
from harness.peers.processes import EngineSettings
from harness.peers.workload import Workload, picked, thinned
from harness.performance.ours import build, source_digest, write_graph
from harness.performance.rows import StoredRows, held_out, tokenised
from harness.performance.settings import Settings

BERT_BASE = BackboneConfig(30522, num_layers=12, num_heads=12, hidden_dim=768, intermediate_dim=3072)
SEED = 0


@dataclass(frozen=True, eq=False)
class Subject:
    """A classifier, the files that engines load of it, and the rows that it is measured on."""

    name: str
    """Folder of its files."""
    classifier: SavedClassifier
    """Model, tokenizer, labels."""
    held_out: TextDataset
    """Training rows that training held out: for choices. Results are never reported on them."""
    reported: TextDataset
    """Rows that results are reported on."""
    calibration: TextDataset
    """Rows that int8 ranges are measured on: training rows, as `fastbert export --calibration_task` takes."""
    settings: Settings
    """Threads, and the folder of all subjects."""

    @cached_property
    def folder(self) -> Path:
        """Where its files lie."""
        return self.settings.work / f"{self.name}_{weights_digest(self.classifier.model)[:12]}"

    @cached_property
    def directory(self) -> Path:
        """Where peers find weights, ONNX files and vocabulary."""
        from harness.peers.prepare import prepare  # needs ONNX, which the tests' environment lacks

        prepare(portable(self.classifier.model), self.folder)
        self.classifier.tokenizer.vocabulary.save(self.folder / "vocab.txt")
        settings = json.dumps(self.classifier.tokenizer.get_config())
        (self.folder / SETTINGS_FILE).write_text(settings, encoding="utf-8")
        return self.folder

    @property
    def num_layers(self) -> int:
        """Encoder blocks."""
        return self.classifier.model.config.backbone.num_layers

    # === Engines ===

    def peer(self, engine: str, split: bool = False) -> EngineSettings:
        """Settings of a peer's worker.

        Args:
            engine: its module in `harness.peers`, and its precision: as results name it.
            split: whether each thread has a part of a call's rows; else all threads share every operation.
        """
        name, precision = engine.split()
        folder, threads = str(self.directory), self.settings.threads
        share = (1, threads) if split else (threads, 1)
        return EngineSettings(name, folder, precision, share[0], folder, share[1])

    def peers(self) -> dict[str, EngineSettings]:
        """All peers that take part, at all their precisions."""
        names = (f"{name} {precision}" for name, precisions in PRECISIONS.items() for precision in precisions)
        return {name: self.peer(name) for name in names if self.settings.wanted(name)}

    def ours(self, stack: str, adaptive: bool = False, share: bool = False) -> EngineSettings:
        """Settings of a worker of ours: full depth, or all branches on; `share` as for `exported`."""
        exits = tuple(range(1, self.num_layers + 1)) if adaptive else (self.num_layers,)
        directory = self._graph(stack, "adaptive" if adaptive else "dense")
        if not directory.exists():
            write_graph(directory, self.classifier, self.stack(stack), ExitSchedule(exits))
        return exported(directory, self.settings, share)

    def scheduled(self, stack: str, speed: float, outputs: BranchOutputs) -> tuple[EngineSettings, Exits]:
        """Settings of a worker of ours with the exits that `fastbert export --exits auto` chooses, and these exits.

        They are chosen anew in every run: they rest on times of this moment.

        Args:
            stack: a name in `harness.performance.names.STACKS`.
            speed: threshold to choose for.
            outputs: answers of all branches for held-out rows.
        """
        built = self.stack(stack)
        exits = choose(ExitRequest(measured=True), built, outputs, lambda _: (speed,))
        if exits is None:
            raise ValueError("exits were not measured, though they were to be")
        directory = self._graph(stack, "scheduled")
        write_graph(directory, self.classifier, built, ExitSchedule(exits.layers, exits.shrink_share))
        return exported(directory, self.settings), exits

    def _graph(self, stack: str, kind: str) -> Path:
        return self.folder / f"ours_{source_digest()}" / f"{stack.replace(' ', '_')}_{kind}"

    def stack(self, name: str) -> SavableStack:
        """Returns one of `harness.performance.names.STACKS`."""
        if name not in self._stacks:
            self._stacks.clear()  # one at a time: at BERT-base's shape each takes gigabytes with its graphs
            gc.collect()
            self._stacks[name] = build(self.classifier, name, self.calibration)
        return self._stacks[name]

    @cached_property
    def _stacks(self) -> dict[str, SavableStack]:
        return {}

    # === Rows ===

    def reported_rows(self, most: int, what: str = "timed") -> StoredRows:
        """Reported rows, shortest first, thinned evenly over the lengths; `what` names their file."""
        return self.store(thinned(self._sorted(self.reported), most), what)

    def held_out_rows(self, most: int) -> StoredRows:
        """Held-out rows, shortest first, thinned evenly over the lengths."""
        return self.store(thinned(self._sorted(self.held_out), most), "held_out")

    def store(self, rows: Workload, what: str) -> StoredRows:
        """Writes rows to a file of that name."""
        return StoredRows.save(rows, self.settings.work / "workloads" / f"{self.name}_{what}.json")

    def _sorted(self, rows: TextDataset) -> Workload:
        workload = tokenised(rows, self.classifier.tokenizer)
        return picked(workload, np.argsort(workload.lengths, kind="stable"))


def exported(directory: Path, settings: Settings, share: bool = False) -> EngineSettings:
    """Settings of a worker of any exported version.

    Args:
        directory: the version.
        settings: the number of threads.
        share: whether all threads share every operation; else each runs a part of a call's rows, as our server does
            with large calls.
    """
    threads, split = (settings.threads, 1) if share else (1, settings.threads)
    return EngineSettings("saved_model", str(directory), "", threads, split=split)


def callers_exports(settings: Settings) -> dict[str, EngineSettings]:
    """Workers of the version directories that the caller named."""
    return {export_name(name): exported(Path(folder), settings) for name, folder in settings.exports.items()}


def export_name(name: str) -> str:
    """What results call an export of the caller: never what they call an engine of ours."""
    return f"export {name}"


def trained(name: str, settings: Settings) -> Subject:
    """The trained classifier of a task."""
    task, directory = load_task(name), Path(settings.classifiers[name])
    rows = held_out(task, directory), report_part(task), task.train
    return Subject(name, load_classifier(directory), *rows, settings)


def random_bert_base(beside: Subject) -> Subject:
    """BERT-base's shape with random weights; tokenizer and rows of another subject."""
    keras.utils.set_random_seed(SEED)
    model = FastBert.from_fastbert_config(FastBertConfig(BERT_BASE, num_classes=2))
    classifier = SavedClassifier(model, beside.classifier.tokenizer, ("negative", "positive"), is_pair=False)
    return replace(beside, name="bert_base", classifier=classifier)
