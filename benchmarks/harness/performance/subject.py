"""A classifier in all the forms that are measured."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import keras

from fastbert_tf.checkpoints import SavedClassifier, load_classifier
from fastbert_tf.config import BackboneConfig, FastBertConfig
from fastbert_tf.data import Task, TextDataset, load_task
from fastbert_tf.models import FastBert
from fastbert_tf.recipes.digest import weights_digest
from fastbert_tf.recipes.train import report_part, selection_split
from fastbert_tokenizers import WordPieceTokenizer
from harness.peers.engine import PRECISIONS
from harness.peers.hugging_face_tokenizer import SETTINGS_FILE
from harness.peers.portable_model import portable
from harness.peers.prepare import prepare
from harness.peers.processes import EngineSettings
from harness.peers.workload import Workload, sorted_workload
from harness.performance.ours import source_digest, write_graph

BERT_BASE = BackboneConfig(30522, num_layers=12, num_heads=12, hidden_dim=768, intermediate_dim=3072)
HELD_OUT = 0.05  # share of the training rows that training itself did not learn from; see `fastbert train --help`
SEED = 0


@dataclass(frozen=True, eq=False)
class Subject:
    """A classifier, the files that engines load of it, and the rows that it is measured on."""

    name: str
    """Folder of its files."""
    classifier: SavedClassifier
    """Model, tokenizer, labels."""
    calibration: TextDataset
    """Rows that int8 ranges are measured on; never those that results are reported on."""
    work: Path
    """Folder of all subjects."""
    threads: int
    """Threads of every engine."""

    @cached_property
    def directory(self) -> Path:
        """Where peers find weights, ONNX files and vocabulary."""
        directory = self.work / f"{self.name}_{weights_digest(self.classifier.model)[:12]}"
        prepare(portable(self.classifier.model), directory)
        self.classifier.tokenizer.vocabulary.save(directory / "vocab.txt")
        settings = json.dumps(self.classifier.tokenizer.get_config())
        (directory / SETTINGS_FILE).write_text(settings, encoding="utf-8")
        return directory

    @property
    def num_layers(self) -> int:
        """Encoder blocks."""
        return self.classifier.model.config.backbone.num_layers

    def peer(self, name: str, precision: str) -> EngineSettings:
        """Settings of a peer's worker."""
        return EngineSettings(name, str(self.directory), precision, self.threads, str(self.directory))

    def peers(self) -> dict[str, EngineSettings]:
        """All peers at all their precisions."""
        pairs = ((name, precision) for name, precisions in PRECISIONS.items() for precision in precisions)
        return {f"{name} {precision}": self.peer(name, precision) for name, precision in pairs}

    def ours(self, stack: str, adaptive: bool = False) -> EngineSettings:
        """Settings of a worker of ours: full depth, or all branches on."""
        exits = range(1, self.num_layers + 1) if adaptive else [self.num_layers]
        kind = "adaptive" if adaptive else "dense"
        directory = self.directory / f"ours_{source_digest()}" / f"{stack.replace(' ', '_')}_{kind}"
        write_graph(directory, self.classifier, stack, self.calibration, exits)
        return exported(directory, stack.split()[1], self.threads)


def exported(directory: Path, precision: str, threads: int) -> EngineSettings:
    """Settings of a worker of any exported version."""
    return EngineSettings("saved_model", str(directory), precision, threads)


def trained(name: str, directory: str, work: Path, threads: int) -> Subject:
    """A trained classifier of a task."""
    return Subject(name, load_classifier(directory), held_out(load_task(name)), work, threads)


def random_bert_base(beside: Subject) -> Subject:
    """BERT-base's shape with random weights; tokenizer and calibration rows of another subject."""
    keras.utils.set_random_seed(SEED)
    model = FastBert.from_fastbert_config(FastBertConfig(BERT_BASE, num_classes=2))
    classifier = SavedClassifier(model, beside.classifier.tokenizer, ("negative", "positive"), is_pair=False)
    return replace(beside, name="bert_base", classifier=classifier)


def held_out(task: Task) -> TextDataset:
    """The training rows that training held out: for ranges and for choosing a speed."""
    return selection_split(task, HELD_OUT, seed=SEED)[1]


def reported(task: Task) -> TextDataset:
    """The rows that results are reported on."""
    return report_part(task)


def workload(rows: TextDataset, tokenizer: WordPieceTokenizer) -> Workload:
    """Tokenises rows, and sorts them by length. Pairs keep their tokens alone: engines take single texts."""
    encoded = tokenizer.encode(list(rows.texts), None if rows.text_pairs is None else list(rows.text_pairs))
    token_ids, segment_ids = (encoded[name].to_list() for name in ("token_ids", "segment_ids"))
    labels = [] if rows.labels is None else rows.labels.tolist()
    return sorted_workload(token_ids, segment_ids, [] if rows.is_pair else rows.texts, labels)
