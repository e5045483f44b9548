"""Imports a pretrained encoder, whatever its format."""

from __future__ import annotations

import os
from typing import Any

from fastbert_tf.checkpoints.builtin import checkpoint_folder
from fastbert_tf.checkpoints.errors import CheckpointError
from fastbert_tf.checkpoints.google import import_google
from fastbert_tf.checkpoints.hugging_face import import_hugging_face
from fastbert_tf.checkpoints.imported_backbone import ImportedBackbone
from fastbert_tf.checkpoints.model_garden import import_model_garden
from fastbert_tf.checkpoints.tensorflow_checkpoint import TensorFlowCheckpoint

EXPECTED = "config.json + model.safetensors (Hugging Face) or bert_config.json + *.ckpt.index (Google, Model Garden)"


def import_backbone(path: str | os.PathLike[str], dtype: Any = None) -> ImportedBackbone:
    """Imports a BERT encoder from a Hugging Face, Google TF1 or TF Model Garden directory.

    Args:
        path: the directory; its files tell the format. `builtin` is the student that ships with the package.
        dtype: Keras dtype policy of the backbone; None takes the global policy. Weights are float32 in any case.

    Returns:
        The backbone, its vocabulary, and the tensors that were left over.

    Raises:
        CheckpointError: the directory holds no whole BERT encoder; the message names file and tensor.
    """
    folder = checkpoint_folder(path)
    if not os.path.isdir(folder) or not os.access(folder, os.R_OK | os.X_OK):
        raise CheckpointError(f"{folder}: is no readable directory; pass the directory that holds {EXPECTED}")
    if any(folder.glob("*.index")):
        garden = TensorFlowCheckpoint.open(folder).has_object_graph
        return import_model_garden(folder, dtype) if garden else import_google(folder, dtype)
    if (folder / "model.weights.h5").exists():
        raise CheckpointError(f"{folder}: is a saved classifier, not a pretrained encoder; use load_classifier")
    if (folder / "config.json").exists():
        return import_hugging_face(folder, dtype)
    raise CheckpointError(f"{folder}: holds no checkpoint that can be imported; expected {EXPECTED}")
