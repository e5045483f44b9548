"""Models written as Hugging Face lays them out."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from safetensors.numpy import save_file

from fastbert_tf.checkpoints import tensor_names
from fastbert_tf.checkpoints.assign import find_weight
from fastbert_tf.checkpoints.backbone_config import KEYS
from fastbert_tf.checkpoints.errors import CheckpointError, one_line
from fastbert_tf.checkpoints.text_settings import check_vocabulary_fits
from fastbert_tf.config import BackboneConfig
from fastbert_tf.files import directory_swap
from fastbert_tf.models import Backbone, MaskedLm
from fastbert_tokenizers import Vocabulary, VocabularyError

CONFIG, WEIGHTS, VOCABULARY, TOKENIZER = "config.json", "model.safetensors", "vocab.txt", "tokenizer_config.json"
CARD = "MODEL_CARD.md"
ACTIVATIONS = {"gelu": "gelu", "gelu_tanh": "gelu_new"}  # our name: theirs
STORED_DTYPES = ("float32", "float16")


def save_backbone(
    backbone: Backbone,
    vocabulary: Vocabulary,
    lower_case: bool,
    directory: str | os.PathLike[str],
    stored_dtype: str = "float32",
    card: str | None = None,
) -> Path:
    """Writes an encoder that `import_backbone` and Hugging Face's `BertModel` read.

    Args:
        backbone: the encoder.
        vocabulary: its vocabulary.
        lower_case: whether it reads lower-cased text.
        directory: the target; absent, empty, or an older model, which is replaced in one step.
        stored_dtype: `float32`, or `float16` for half the size; weights are float32 again when they are imported.
        card: text of a `MODEL_CARD.md` beside it, or None.

    Returns:
        The directory.

    Raises:
        CheckpointError: the vocabulary does not fit, a weight is too large for float16, or the directory holds other
            files or cannot be written.
    """
    if stored_dtype not in STORED_DTYPES:
        raise CheckpointError(f"stored_dtype must be one of {STORED_DTYPES}, but is {stored_dtype!r}")
    tensors = stored_tensors(backbone, tensor_names.HUGGING_FACE.expand(backbone.config.num_layers))
    for name, array in tensors.items():
        if np.abs(array).max() > np.finfo(stored_dtype).max:
            raise CheckpointError(f"{directory}: {name} has weights beyond {stored_dtype}; store it as float32")
    tensors = {name: array.astype(stored_dtype) for name, array in tensors.items()}
    return write_hugging_face(directory, "BertModel", backbone.config, vocabulary, lower_case, tensors, card)


def stored_tensors(
    model: Backbone | MaskedLm, rows: Iterable[tensor_names.Row], prefix: str = ""
) -> dict[str, np.ndarray]:
    """Returns weights of a model by their stored names, in their stored layouts."""
    tensors = {}
    for ours, theirs, layout in rows:
        array = keras.ops.convert_to_numpy(find_weight(model, ours))
        tensors[prefix + theirs] = np.ascontiguousarray(array.T if layout == tensor_names.TRANSPOSED else array)
    return tensors


def write_hugging_face(
    directory: str | os.PathLike[str],
    architecture: str,
    config: BackboneConfig,
    vocabulary: Vocabulary,
    lower_case: bool,
    tensors: dict[str, np.ndarray],
    card: str | None = None,
) -> Path:
    """Writes `config.json`, `model.safetensors`, `vocab.txt`, `tokenizer_config.json` and the card, if there is one.

    Raises:
        CheckpointError: the vocabulary does not fit, or the directory holds other files or cannot be written.
    """
    folder = Path(directory)
    check_vocabulary_fits("the vocabulary", len(vocabulary), config.vocabulary_size)
    _check_replaceable(folder)
    try:
        with directory_swap(folder) as partial:
            _write_json(partial / CONFIG, _hugging_face_config(config, architecture))
            _write_json(partial / TOKENIZER, {"do_lower_case": lower_case})
            vocabulary.save(partial / VOCABULARY)
            save_file(tensors, partial / WEIGHTS, metadata={"format": "pt"})
            if card is not None:
                (partial / CARD).write_text(card, encoding="utf-8")
    except (OSError, VocabularyError) as error:
        raise CheckpointError(
            f"{folder}: cannot be written ({one_line(error)}); choose a directory on a writable disk with space left"
        ) from error
    return folder


def _check_replaceable(folder: Path) -> None:
    if folder.is_file():
        raise CheckpointError(f"{folder}: is a file; choose another directory")
    there = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    foreign = [name for name in there if name not in (CONFIG, WEIGHTS, VOCABULARY, TOKENIZER, CARD)]
    if foreign:
        raise CheckpointError(f"{folder}: holds {foreign[0]}, which would be lost; choose another directory")


def _hugging_face_config(config: BackboneConfig, architecture: str) -> dict[str, Any]:
    values = {theirs: getattr(config, ours) for ours, (theirs, _) in KEYS.items()}
    return {
        "model_type": "bert",
        "architectures": [architecture],
        **values,
        "hidden_act": ACTIVATIONS[config.activation],
        "attention_probs_dropout_prob": config.dropout,
    }


def _write_json(path: Path, values: dict[str, Any]) -> None:
    path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
