"""Masked language models as Hugging Face lays them out."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from safetensors.numpy import save_file

from fastbert_tf.checkpoints import tensor_names
from fastbert_tf.checkpoints.assign import assign, find_weight
from fastbert_tf.checkpoints.backbone_config import KEYS
from fastbert_tf.checkpoints.errors import CheckpointError, one_line
from fastbert_tf.checkpoints.hugging_face import open_weights
from fastbert_tf.checkpoints.import_backbone import import_backbone
from fastbert_tf.checkpoints.text_settings import check_vocabulary_fits
from fastbert_tf.config import BackboneConfig
from fastbert_tf.files import directory_swap
from fastbert_tf.models import Backbone, MaskedLm
from fastbert_tokenizers import Vocabulary, VocabularyError

CONFIG, WEIGHTS, VOCABULARY, TOKENIZER = "config.json", "model.safetensors", "vocab.txt", "tokenizer_config.json"
ACTIVATIONS = {"gelu": "gelu", "gelu_tanh": "gelu_new"}  # our name: theirs


@dataclass(frozen=True)
class ImportedMaskedLm:
    """A masked language model and what its directory says about the text it reads."""

    model: MaskedLm
    """Encoder and head."""
    vocabulary: Vocabulary | None
    """Its vocabulary, or None where the directory has none."""
    lower_case: bool
    """Whether texts are lower-cased and stripped of accents before they are split."""
    has_head: bool
    """Whether the head came with the checkpoint; if not, its weights are random."""


def import_masked_lm(path: str | os.PathLike[str], dtype: Any = None, dropout: float | None = None) -> ImportedMaskedLm:
    """Imports an encoder, and the masked-language-model head of a Hugging Face directory that has one.

    Args:
        path: the directory, of any format that `import_backbone` reads.
        dtype: Keras dtype policy; None takes the global policy. Weights are float32 in any case.
        dropout: dropout rate in [0, 1); None takes the checkpoint's.

    Raises:
        CheckpointError: the directory holds no whole BERT encoder, or a part of a head.
    """
    imported = import_backbone(path, dtype)
    model = MaskedLm(_with_dropout(imported.backbone, dropout, dtype))
    has_head = False
    if (Path(path) / CONFIG).is_file():
        tensors = open_weights(Path(path))
        has_head = any(name.startswith("cls.predictions.") for name in tensors.shapes)
        if has_head:
            assign(model, tensor_names.HUGGING_FACE_HEAD, tensors)
    return ImportedMaskedLm(model, imported.vocabulary, imported.lower_case, has_head)


def save_masked_lm(
    model: MaskedLm, vocabulary: Vocabulary, lower_case: bool, directory: str | os.PathLike[str]
) -> Path:
    """Writes `config.json`, `model.safetensors`, `vocab.txt` and `tokenizer_config.json`.

    `import_masked_lm` reads it, `import_backbone` the encoder in it, and Hugging Face's `BertForMaskedLM` all of it.

    Args:
        model: encoder and head.
        vocabulary: its vocabulary.
        lower_case: whether it reads lower-cased text.
        directory: the target; absent, empty, or an older model, which is replaced in one step.

    Returns:
        The directory.

    Raises:
        CheckpointError: the vocabulary does not fit, or the directory holds other files or cannot be written.
    """
    folder = Path(directory)
    check_vocabulary_fits("the vocabulary", len(vocabulary), model.config.vocabulary_size)
    _check_replaceable(folder)
    try:
        with directory_swap(folder) as partial:
            _write_json(partial / CONFIG, _hugging_face_config(model.config))
            _write_json(partial / TOKENIZER, {"do_lower_case": lower_case})
            vocabulary.save(partial / VOCABULARY)
            save_file(_tensors(model), partial / WEIGHTS, metadata={"format": "pt"})
    except (OSError, VocabularyError) as error:
        raise CheckpointError(
            f"{folder}: cannot be written ({one_line(error)}); choose a directory on a writable disk with space left"
        ) from error
    return folder


def _with_dropout(backbone: Backbone, dropout: float | None, dtype: Any) -> Backbone:
    if dropout is None or dropout == backbone.config.dropout:
        return backbone
    copy = Backbone(dtype=dtype, **{**backbone.config.to_dict(), "dropout": dropout})
    copy.set_weights(backbone.get_weights())
    return copy


def _check_replaceable(folder: Path) -> None:
    if folder.is_file():
        raise CheckpointError(f"{folder}: is a file; choose another directory")
    there = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    foreign = [name for name in there if name not in (CONFIG, WEIGHTS, VOCABULARY, TOKENIZER)]
    if foreign:
        raise CheckpointError(f"{folder}: holds {foreign[0]}, which would be lost; choose another directory")


def _hugging_face_config(config: BackboneConfig) -> dict[str, Any]:
    values = {theirs: getattr(config, ours) for ours, (theirs, _) in KEYS.items()}
    return {
        "model_type": "bert",
        "architectures": ["BertForMaskedLM"],
        **values,
        "hidden_act": ACTIVATIONS[config.activation],
        "attention_probs_dropout_prob": config.dropout,
    }


def _tensors(model: MaskedLm) -> dict[str, np.ndarray]:
    encoder = tensor_names.HUGGING_FACE.expand(model.config.num_layers)
    rows = [(model.backbone, ours, f"bert.{theirs}", layout) for ours, theirs, layout in encoder]
    rows += [(model, *row) for row in tensor_names.HUGGING_FACE_HEAD.expand(0)]
    tensors = {}
    for owner, ours, theirs, layout in rows:
        array = keras.ops.convert_to_numpy(find_weight(owner, ours))
        tensors[theirs] = np.ascontiguousarray(array.T if layout == tensor_names.TRANSPOSED else array)
    return tensors


def _write_json(path: Path, values: dict[str, Any]) -> None:
    path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
