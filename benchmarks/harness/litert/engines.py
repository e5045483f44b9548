"""The exports that are compared, each as a function of one row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fastbert_tf.checkpoints import SavedClassifier
from fastbert_tf.data import TextDataset
from fastbert_tf.device import DeviceClassifier
from fastbert_tf.export import export_litert
from fastbert_tf.recipes import export_classifier
from harness.peers import saved_model

Call = Callable[[list[int], float], tuple[np.ndarray, int]]
"""Takes token ids and a speed; returns probabilities (classes,) and the exit layer."""


@dataclass(frozen=True)
class Engine:
    """An export that was loaded for one thread."""

    call: Call
    size: int
    """Bytes of the model: the `.tflite` file, or graph and variables."""


def load_engines(classifier: SavedClassifier, calibration: TextDataset, work: Path) -> dict[str, Engine]:
    """Exports a classifier of single texts in every way, all exits on, and loads it.

    Args:
        classifier: the trained model.
        calibration: rows for the SavedModel in int8.
        work: folder for the exports.
    """
    engines = {}
    for precision in ("float32", "int8"):
        rows = calibration if precision == "int8" else None
        folder = export_classifier(
            classifier, work / f"saved_{precision}", precision=precision, calibration=rows, exits="all"
        )
        engines[f"SavedModel {precision}"] = Engine(_saved(folder), _bytes(folder, "saved_model.pb", "variables/*"))
    for precision in ("float16", "int8"):
        folder = export_litert(
            work / f"litert_{precision}",
            model=classifier.model,
            tokenizer=classifier.tokenizer,
            label_names=classifier.label_names,
            is_pair=classifier.is_pair,
            precision=precision,
        )
        engines[f"LiteRT {precision}"] = Engine(_lite(folder), _bytes(folder, "model.tflite"))
    return engines


def _lite(folder: Path) -> Call:
    reader = DeviceClassifier(folder, num_threads=1)

    def call(token_ids: list[int], speed: float) -> tuple[np.ndarray, int]:
        answer = reader.answer(token_ids, speed=speed)
        return np.array(answer.probabilities), answer.exit_layer

    return call


def _saved(folder: Path) -> Call:
    signature = saved_model.load(folder, "", threads=1)

    def call(token_ids: list[int], speed: float) -> tuple[np.ndarray, int]:
        ids = np.array([token_ids], np.int32)
        inputs = {"token_ids": ids, "segment_ids": np.zeros_like(ids), "padding_mask": np.ones_like(ids)}
        answers = signature({**inputs, "speed": np.full(1, speed, np.float32)})
        return answers["probabilities"][0], int(answers["exit_layer"][0])

    return call


def _bytes(folder: Path, *patterns: str) -> int:
    return sum(path.stat().st_size for pattern in patterns for path in folder.glob(pattern))
