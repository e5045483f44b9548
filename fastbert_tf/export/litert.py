"""Export of a classifier as a LiteRT (TensorFlow Lite) file with its exits inside."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from fastbert_serving.manifest import Manifest
from fastbert_tf import device
from fastbert_tf.config import DEFAULT_SPEED
from fastbert_tf.device.classifier import FORMAT_VERSION, MANIFEST, MODEL, VOCABULARY
from fastbert_tf.export.saved_model import fitting_manifest
from fastbert_tf.export.version_directory import ExportError
from fastbert_tf.files import directory_swap
from fastbert_tf.inference import ExitLoop, ExitSchedule, NormalizedEntropy, SingleRowStack
from fastbert_tf.models import FastBert
from fastbert_tokenizers import WordPieceTokenizer

PRECISIONS = ("float16", "int8")
"""Of the stored weights: `float16`, computed in float32; `int8`, with one range a channel, activations in int8 with one
range a token where the interpreter can."""
READER = "fastbert_device"
"""Folder with the reader in Python that lies beside the model."""


def export_litert(
    directory: str | os.PathLike[str],
    *,
    model: FastBert,
    tokenizer: WordPieceTokenizer,
    label_names: Sequence[str],
    is_pair: bool,
    precision: str = "int8",
    default_speed: float = DEFAULT_SPEED,
    exits: Sequence[int] | None = None,
    overwrite: bool = False,
) -> Path:
    """Writes `model.tflite`, `vocab.txt`, `manifest.json` and a reader in Python; the folder appears in one step.

    The file takes one row without padding: `token_ids` int32 (1, tokens), of any length up to the tokenizer's, `speed`
    float32 (1,), and `segment_ids` int32 (1, tokens) for a pair task. It answers `probabilities` float32 (1, classes),
    `exit_layer` int32 (1,) and `uncertainty` float32 (1,). Layers after the exit are not computed.

    Args:
        directory: the folder to write.
        model: the trained classifier.
        tokenizer: its tokenizer.
        label_names: one name a class, in label order.
        is_pair: whether an input is a pair of texts.
        precision: of the stored weights, one of `PRECISIONS`.
        default_speed: the speed for the app to take where nobody chose one, in [0, 1].
        exits: layers whose branch is on, counted from 1, rising, the last one included; None for all.
        overwrite: whether an older LiteRT export may be replaced.

    Returns:
        The folder.

    Raises:
        ExportError: an argument is out of range, the folder exists or holds something else, or it cannot be written.
        ValueError: the exits are not the model's.
    """
    check_litert(directory, precision, overwrite)
    manifest = fitting_manifest(model, tokenizer, label_names, is_pair, default_speed, {})
    schedule = ExitSchedule.every_layer(manifest.num_layers) if exits is None else ExitSchedule(tuple(exits))
    file = converted(model, tokenizer.max_sequence_length, is_pair, precision, schedule.check(manifest.num_layers))
    description = _description(manifest, tokenizer, precision, schedule)
    folder = Path(directory)
    try:
        with directory_swap(folder, replace=overwrite) as partial:
            (partial / MODEL).write_bytes(file)
            tokenizer.vocabulary.save(partial / VOCABULARY)
            (partial / MANIFEST).write_text(description, encoding="utf-8")
            _copy_reader(partial / READER)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ExportError(f"cannot export to {folder}: {reason}; give a writable directory with free space") from error
    return folder


def converted(
    model: FastBert, max_sequence_length: int, is_pair: bool, precision: str, schedule: ExitSchedule | None = None
) -> bytes:
    """Returns the content of the `.tflite` file; arguments as for `export_litert`."""
    loop = ExitLoop(SingleRowStack(model, max_sequence_length), NormalizedEntropy(), schedule)
    row = tf.TensorSpec([1, None], tf.int32)
    signature: dict[str, Any] = {"token_ids": row, "speed": tf.TensorSpec([1], tf.float32)}
    if is_pair:
        signature["segment_ids"] = row

    @tf.function(autograph=False)
    def answer(speed: tf.Tensor, **inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        return loop(inputs, speed)

    function = answer.get_concrete_function(**signature)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], tf.Module())
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "float16":
        converter.target_spec.supported_types = [tf.float16]
    return converter.convert()


def check_litert(directory: str | os.PathLike[str], precision: str, overwrite: bool) -> None:
    """Raises what `export_litert` would for these arguments, at once."""
    folder = Path(directory)
    if precision not in PRECISIONS:
        raise ExportError(f"precision must be one of {PRECISIONS}, but is {precision!r}")
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not (folder / MANIFEST).is_file() or not (folder / MODEL).is_file():
        raise ExportError(f"{folder} holds something else than a LiteRT export; choose another folder")
    if not overwrite:
        raise ExportError(f"{folder} holds an export; choose another folder, or pass overwrite")


def _description(manifest: Manifest, tokenizer: WordPieceTokenizer, precision: str, schedule: ExitSchedule) -> str:
    """Returns the content of the `manifest.json`: what an app needs, in any language."""
    vocabulary = tokenizer.vocabulary
    values = {
        "format_version": FORMAT_VERSION,
        "labels": list(manifest.labels),
        "is_pair": manifest.is_pair,
        "num_layers": manifest.num_layers,
        "exits": list(schedule.exits),
        "default_speed": manifest.default_speed,
        "precision": precision,
        "tokenizer": {
            **tokenizer.get_config(),
            "vocabulary_size": len(vocabulary),
            "padding_id": vocabulary.padding_id,
            "unknown_id": vocabulary.unknown_id,
            "start_id": vocabulary.start_id,
            "end_id": vocabulary.end_id,
        },
        "versions": manifest.versions,
    }
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n"


def _copy_reader(target: Path) -> None:
    (source,) = device.__path__
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
