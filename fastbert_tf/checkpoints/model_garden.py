"""Import of TF Model Garden encoder checkpoints."""

from __future__ import annotations

import dataclasses
import os
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from tensorflow.core.protobuf.trackable_object_graph_pb2 import TrackableObjectGraph

from fastbert_tf.checkpoints.assign import StoredTensors, assign
from fastbert_tf.checkpoints.backbone_config import read_backbone_config
from fastbert_tf.checkpoints.errors import CheckpointError
from fastbert_tf.checkpoints.imported_backbone import ImportedBackbone
from fastbert_tf.checkpoints.tensor_names import MODEL_GARDEN
from fastbert_tf.checkpoints.tensorflow_checkpoint import OBJECT_GRAPH, TensorFlowCheckpoint
from fastbert_tf.checkpoints.text_settings import read_text_settings
from fastbert_tf.models import Backbone

ACTIVATIONS = {"gelu": "gelu_tanh"}  # Model Garden's `gelu` is the tanh approximation
ENCODER_MARK = "_transformer_layers"  # an attribute that only encoders have


def import_model_garden(
    path: str | os.PathLike[str], dtype: Any = None, activation: str | None = None
) -> ImportedBackbone:
    """Imports a BERT encoder that `tf.train.Checkpoint` wrote from TF Model Garden's `BertEncoderV2` or `BertEncoder`.

    Reads `bert_config.json`, `*.index`, `*.data-*` and `vocab.txt`. The encoder may lie anywhere in the checkpoint
    (`Checkpoint(encoder=...)`, `Checkpoint(model=classifier)`): it is found in the checkpoint's object graph. It must
    have been built with `norm_first=False`, which the checkpoint does not tell.

    Args:
        path: the directory.
        dtype: Keras dtype policy of the backbone; None takes the global policy. Weights are float32 in any case.
        activation: `gelu` for an encoder that was built with exact GELU; None follows Model Garden, where `gelu` in
            the configuration means the tanh approximation (`gelu_tanh` here).

    Returns:
        The backbone, its vocabulary, and the tensors that were left over (optimizer variables count as skipped).

    Raises:
        CheckpointError: the directory holds no whole BERT encoder; the message names file and tensor.
    """
    folder = Path(path)
    config = read_backbone_config(folder / "bert_config.json", ACTIVATIONS)
    if activation is not None:
        config = dataclasses.replace(config, activation=activation)
    checkpoint = TensorFlowCheckpoint.open(folder)
    if not checkpoint.has_object_graph:
        raise CheckpointError(f"{checkpoint.prefix}: is no TensorFlow 2 object checkpoint; use import_google")
    names = [theirs for _, theirs, _ in MODEL_GARDEN.expand(config.num_layers)]
    tensors = _by_attribute_path(checkpoint, names)
    vocabulary, lower_case = read_text_settings(folder, config.vocabulary_size)
    backbone = Backbone(dtype=dtype, **config.to_dict())
    return ImportedBackbone(backbone, vocabulary, lower_case, assign(backbone, MODEL_GARDEN, tensors))


def _by_attribute_path(checkpoint: TensorFlowCheckpoint, names: Iterable[str]) -> StoredTensors:
    """Names every tensor by its attribute path from the encoder, or by its key where it lies outside the encoder."""
    graph = TrackableObjectGraph.FromString(checkpoint.read(OBJECT_GRAPH))
    encoder = _find_encoder(checkpoint.prefix, graph)
    keys = {name: key for name in names if (key := _key_at(graph, encoder, name)) is not None}
    within = set(keys.values())
    shapes = checkpoint.shapes
    keys.update({key: key for key in shapes if key not in within})

    def read(name: str) -> np.ndarray:
        return checkpoint.read(keys[name])

    return StoredTensors(checkpoint.prefix, {name: shapes[key] for name, key in keys.items()}, read)


def _find_encoder(source: str, graph: TrackableObjectGraph) -> int:
    """Returns the node nearest to the root that has transformer layers."""
    queue, seen = deque([0]), {0}
    while queue:
        node = queue.popleft()
        children = graph.nodes[node].children
        if any(child.local_name == ENCODER_MARK for child in children):
            return node
        fresh = [child.node_id for child in children if child.node_id not in seen]
        queue.extend(fresh)
        seen.update(fresh)
    raise CheckpointError(
        f"{source}: holds no Model Garden encoder (no object has {ENCODER_MARK}); "
        "write it with tf.train.Checkpoint(encoder=encoder)"
    )


def _key_at(graph: TrackableObjectGraph, node: int, path: str) -> str | None:
    """Returns the key of the variable at an attribute path, or None where there is none."""
    for part in path.split("/"):
        children = {child.local_name: child.node_id for child in graph.nodes[node].children}
        if part not in children:
            return None
        node = children[part]
    attributes = graph.nodes[node].attributes
    return attributes[0].checkpoint_key if attributes else None
