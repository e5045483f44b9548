"""Saves and loads classifiers: `config.json`, `model.weights.h5` and `vocab.txt` in one directory."""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from pathlib import Path
from typing import Any

import h5py

from fastbert_tf.checkpoints.backbone_config import read_json
from fastbert_tf.checkpoints.errors import CheckpointError, one_line
from fastbert_tf.checkpoints.saved_classifier import SavedClassifier
from fastbert_tf.config import FastBertConfig
from fastbert_tf.files import directory_swap
from fastbert_tf.models import FastBert
from fastbert_tokenizers import Vocabulary, VocabularyError, WordPieceTokenizer

FORMAT_VERSION = 1
CONFIG, WEIGHTS, VOCABULARY = "config.json", "model.weights.h5", "vocab.txt"
BYTES_A_TENSOR = 4096  # what HDF5 adds to the numbers, rounded up
KEYS = {"format_version": int, "model": dict, "tokenizer": dict, "label_names": list, "is_pair": bool}


def save_classifier(classifier: SavedClassifier, directory: str | os.PathLike[str]) -> Path:
    """Writes a classifier, replacing an older one in one step: whatever goes wrong, the old one stays whole.

    Args:
        classifier: model, tokenizer and labels.
        directory: the target; absent, empty, or an older saved classifier.

    Returns:
        The directory.

    Raises:
        CheckpointError: the directory holds other files, cannot be written, or the disk is full.
    """
    folder = Path(directory)
    description = json.dumps(_describe(classifier), indent=2, ensure_ascii=False) + "\n"
    model = _uncompiled(classifier.model)
    size = sum(BYTES_A_TENSOR + 4 * math.prod(weight.shape) for weight in model.weights)
    try:
        _check_replaceable(folder)
        with directory_swap(folder) as partial:
            _claim_space(partial / WEIGHTS, size)
            classifier.tokenizer.vocabulary.save(partial / VOCABULARY)
            (partial / CONFIG).write_text(description, encoding="utf-8")
            model.save_weights(partial / WEIGHTS)
    except (OSError, VocabularyError) as error:
        raise CheckpointError(
            f"{folder}: cannot be written ({one_line(error)}); choose a directory on a writable disk with space left"
        ) from error
    return folder


def load_classifier(directory: str | os.PathLike[str], dtype: Any = None) -> SavedClassifier:
    """Reads what `save_classifier` wrote.

    Args:
        directory: the saved classifier.
        dtype: Keras dtype policy; None takes the global policy. Weights are float32 in any case.

    Returns:
        The classifier, with the same weights bit for bit.

    Raises:
        CheckpointError: the directory is something else, or a file is missing, cut short or of another model.
    """
    folder = Path(directory)
    values = _read_config(folder)
    try:
        config = FastBertConfig.from_dict(values["model"])
        tokenizer = _load_tokenizer(folder, values["tokenizer"])
        model = FastBert.from_fastbert_config(config, dtype)
        classifier = SavedClassifier(model, tokenizer, tuple(values["label_names"]), values["is_pair"])
    except CheckpointError:
        raise
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise CheckpointError(f"{folder}: {one_line(error)}") from error
    _load_weights(model, folder / WEIGHTS)
    return classifier


def _describe(classifier: SavedClassifier) -> dict[str, Any]:
    tokenizer = classifier.tokenizer
    return {
        "format_version": FORMAT_VERSION,
        "model": classifier.model.config.to_dict(),
        "tokenizer": {**tokenizer.get_config(), "vocabulary_size": len(tokenizer.vocabulary)},
        "label_names": list(classifier.label_names),
        "is_pair": classifier.is_pair,
    }


def _uncompiled(model: FastBert) -> FastBert:
    """Returns a copy without an optimizer: Keras would write the optimizer's slots too."""
    copy = FastBert.from_fastbert_config(model.config, dtype="float32")
    copy.set_weights(model.get_weights())
    return copy


def _claim_space(path: Path, size: int) -> None:
    """Writes and removes a file of `size` bytes: HDF5 crashes the process when the disk fills under it."""
    chunk = bytes(1 << 20)
    with path.open("wb") as file:
        for start in range(0, size, len(chunk)):
            file.write(chunk[: size - start])
    path.unlink()


def _check_replaceable(folder: Path) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise CheckpointError(f"{folder}: is a file; choose another directory")
    foreign = sorted(path.name for path in folder.iterdir() if path.name not in (CONFIG, WEIGHTS, VOCABULARY))
    if foreign:
        raise CheckpointError(
            f"{folder}: holds {foreign[0]}, which is no part of a saved classifier and would be lost; "
            "choose another directory"
        )


def _read_config(folder: Path) -> dict[str, Any]:
    values = read_json(folder / CONFIG)
    for key, kind in KEYS.items():
        if not isinstance(values.get(key), kind):
            raise CheckpointError(
                f"{folder / CONFIG}: {key} must be of type {kind.__name__}, but is {values.get(key)!r}; "
                "pass what save_classifier wrote, or use import_backbone for a pretrained encoder"
            )
    if values["format_version"] != FORMAT_VERSION:
        raise CheckpointError(
            f"{folder / CONFIG}: format_version must be {FORMAT_VERSION}, but is {values['format_version']!r}; "
            "load it with the fastbert_tf that wrote it"
        )
    return values


def _load_tokenizer(folder: Path, settings: dict[str, Any]) -> WordPieceTokenizer:
    settings = dict(settings)
    size = settings.pop("vocabulary_size")
    vocabulary = Vocabulary.load(folder / VOCABULARY)
    if len(vocabulary) != size:
        raise CheckpointError(
            f"{folder / VOCABULARY}: must have {size} tokens, but has {len(vocabulary)}; copy the directory again"
        )
    return WordPieceTokenizer(vocabulary, **settings)


def _load_weights(model: FastBert, path: Path) -> None:
    """Loads the weights, after a look at their shapes: Keras itself takes a deeper model's file without a word."""
    try:
        stored = _stored_shapes(path)
        expected = Counter(tuple(weight.shape) for weight in model.weights)
        if stored != expected:
            raise CheckpointError(
                f"{path}: holds {stored.total()} tensors that do not fit the {expected.total()} of {CONFIG}; "
                "copy both files from the same saved classifier"
            )
        model.load_weights(path)
    except CheckpointError:
        raise
    except (KeyError, OSError, RuntimeError, ValueError) as error:
        raise CheckpointError(
            f"{path}: cannot be read ({one_line(error)}); the file is missing or cut short, copy it again"
        ) from error


def _stored_shapes(path: Path) -> Counter[tuple[int, ...]]:
    shapes: Counter[tuple[int, ...]] = Counter()

    def count(_: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            shapes[tuple(item.shape)] += 1

    with h5py.File(path, "r") as file:
        file.visititems(count)
    return shapes
