"""Saves an encoder as Hugging Face lays it out."""

from __future__ import annotations

import json
import os
from pathlib import Path

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
from fastbert_tf.models import Backbone
from fastbert_tokenizers import Vocabulary, VocabularyError

FILES = ("config.json", "model.safetensors", "vocab.txt", "tokenizer_config.json")
ACTIVATIONS = {"gelu": "gelu", "gelu_tanh": "gelu_new"}  # our name: theirs


def save_backbone(
    backbone: Backbone, vocabulary: Vocabulary, lower_case: bool, directory: str | os.PathLike[str]
) -> Path:
    """Writes `config.json`, `model.safetensors`, `vocab.txt` and `tokenizer_config.json`.

    `import_backbone` reads them, and so does Hugging Face's `BertModel` (without its pooler).

    Args:
        backbone: the encoder.
        vocabulary: its vocabulary.
        lower_case: whether it reads lower-cased text.
        directory: the target; absent, empty, or an older encoder, which is replaced in one step.

    Returns:
        The directory.

    Raises:
        CheckpointError: the vocabulary does not fit, or the directory holds other files or cannot be written.
    """
    folder = Path(directory)
    check_vocabulary_fits("the vocabulary", len(vocabulary), backbone.config.vocabulary_size)
    foreign = sorted(path.name for path in folder.iterdir() if path.name not in FILES) if folder.is_dir() else []
    if foreign or folder.is_file():
        raise CheckpointError(
            f"{folder}: holds {foreign[0]}, which would be lost; choose another directory"
            if foreign
            else f"{folder}: is a file; choose another directory"
        )
    try:
        with directory_swap(folder) as partial:
            _write_json(partial / "config.json", _hugging_face_config(backbone.config))
            _write_json(partial / "tokenizer_config.json", {"do_lower_case": lower_case})
            vocabulary.save(partial / "vocab.txt")
            save_file(_tensors(backbone), partial / "model.safetensors", metadata={"format": "pt"})
    except (OSError, VocabularyError) as error:
        raise CheckpointError(
            f"{folder}: cannot be written ({one_line(error)}); choose a directory on a writable disk with space left"
        ) from error
    return folder


def _hugging_face_config(config: BackboneConfig) -> dict[str, object]:
    values = {theirs: getattr(config, ours) for ours, (theirs, _) in KEYS.items()}
    return {
        "model_type": "bert",
        "architectures": ["BertModel"],
        **values,
        "hidden_act": ACTIVATIONS[config.activation],
        "attention_probs_dropout_prob": config.dropout,
    }


def _tensors(backbone: Backbone) -> dict[str, np.ndarray]:
    tensors = {}
    for ours, theirs, layout in tensor_names.HUGGING_FACE.expand(backbone.config.num_layers):
        array = keras.ops.convert_to_numpy(find_weight(backbone, ours))
        tensors[theirs] = np.ascontiguousarray(array.T if layout == tensor_names.TRANSPOSED else array)
    return tensors


def _write_json(path: Path, values: dict[str, object]) -> None:
    path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
