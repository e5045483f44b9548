"""Import of Google's TensorFlow 1 checkpoints."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from fastbert_tf.checkpoints.assign import StoredTensors, assign
from fastbert_tf.checkpoints.backbone_config import read_backbone_config
from fastbert_tf.checkpoints.errors import CheckpointError
from fastbert_tf.checkpoints.imported_backbone import ImportedBackbone
from fastbert_tf.checkpoints.tensor_names import GOOGLE
from fastbert_tf.checkpoints.tensorflow_checkpoint import TensorFlowCheckpoint
from fastbert_tf.checkpoints.text_settings import read_text_settings
from fastbert_tf.models import Backbone


def import_google(path: str | os.PathLike[str], dtype: Any = None) -> ImportedBackbone:
    """Imports a BERT encoder from a directory of `google-research/bert`.

    Reads `bert_config.json`, `bert_model.ckpt.*` and `vocab.txt`. Whether texts are lower-cased is read from the
    vocabulary: a cased one has capital letters.

    Args:
        path: the directory.
        dtype: Keras dtype policy of the backbone; None takes the global policy. Weights are float32 in any case.

    Returns:
        The backbone, its vocabulary, and the tensors that were left over (optimizer slots count as skipped).

    Raises:
        CheckpointError: the directory holds no whole BERT encoder; the message names file and tensor.
    """
    folder = Path(path)
    config = read_backbone_config(folder / "bert_config.json")
    checkpoint = TensorFlowCheckpoint.open(folder)
    if checkpoint.has_object_graph:
        raise CheckpointError(f"{checkpoint.prefix}: is a TensorFlow 2 object checkpoint; use import_model_garden")
    vocabulary, lower_case = read_text_settings(folder, config.vocabulary_size)
    backbone = Backbone(dtype=dtype, **config.to_dict())
    tensors = StoredTensors(checkpoint.prefix, checkpoint.shapes, checkpoint.read)
    return ImportedBackbone(backbone, vocabulary, lower_case, assign(backbone, GOOGLE, tensors))
