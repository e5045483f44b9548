"""Masked language models as Hugging Face lays them out."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastbert_tf.checkpoints import tensor_names
from fastbert_tf.checkpoints.assign import assign
from fastbert_tf.checkpoints.builtin import checkpoint_folder
from fastbert_tf.checkpoints.hugging_face import open_weights
from fastbert_tf.checkpoints.hugging_face_files import CONFIG, stored_tensors, write_hugging_face
from fastbert_tf.checkpoints.import_backbone import import_backbone
from fastbert_tf.models import Backbone, MaskedLm
from fastbert_tokenizers import Vocabulary


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
    folder = checkpoint_folder(path)
    if (folder / CONFIG).is_file():
        tensors = open_weights(folder)
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
    tensors = stored_tensors(model.backbone, tensor_names.HUGGING_FACE.expand(model.config.num_layers), "bert.")
    tensors |= stored_tensors(model, tensor_names.HUGGING_FACE_HEAD.expand(0))
    return write_hugging_face(directory, "BertForMaskedLM", model.config, vocabulary, lower_case, tensors)


def _with_dropout(backbone: Backbone, dropout: float | None, dtype: Any) -> Backbone:
    if dropout is None or dropout == backbone.config.dropout:
        return backbone
    copy = Backbone(dtype=dtype, **{**backbone.config.to_dict(), "dropout": dropout})
    copy.set_weights(backbone.get_weights())
    return copy
