"""Import of Hugging Face directories."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from fastbert_tf.checkpoints.assign import StoredTensors, assign
from fastbert_tf.checkpoints.backbone_config import read_backbone_config, read_json
from fastbert_tf.checkpoints.errors import CheckpointError
from fastbert_tf.checkpoints.imported_backbone import ImportedBackbone
from fastbert_tf.checkpoints.tensor_names import HUGGING_FACE
from fastbert_tf.checkpoints.text_settings import read_text_settings
from fastbert_tf.models import Backbone

CONVERT = (
    "convert it once with PyTorch and safetensors: torch.load('pytorch_model.bin', weights_only=True), then "
    "safetensors.torch.save_file({k: v.clone() for k, v in weights.items()}, 'model.safetensors')"
)


def import_hugging_face(path: str | os.PathLike[str], dtype: Any = None) -> ImportedBackbone:
    """Imports a BERT encoder from a Hugging Face directory.

    Reads `config.json`, `model.safetensors` (or the shards of `model.safetensors.index.json`), `vocab.txt` and
    `tokenizer_config.json`; names with and without the `bert.` prefix, and `gamma`/`beta` as well as `weight`/`bias`.

    Args:
        path: the directory.
        dtype: Keras dtype policy of the backbone; None takes the global policy. Weights are float32 in any case.

    Returns:
        The backbone, its vocabulary, and the tensors that were left over.

    Raises:
        CheckpointError: the directory holds no whole BERT encoder; the message names file and tensor.
    """
    folder = Path(path)
    config = read_backbone_config(folder / "config.json")
    tensors = open_weights(folder)
    vocabulary, lower_case = read_text_settings(folder, config.vocabulary_size)
    backbone = Backbone(dtype=dtype, **config.to_dict())
    report = assign(backbone, HUGGING_FACE, tensors)
    return ImportedBackbone(backbone, vocabulary, lower_case, report)


def open_weights(folder: Path) -> StoredTensors:
    """Opens `model.safetensors` or its shards.

    Raises:
        CheckpointError: there are no weights that can be read.
    """
    single, index = folder / "model.safetensors", folder / "model.safetensors.index.json"
    if single.is_file():
        return _open_files(single, [single])
    if index.is_file():
        return _open_shards(index)
    pickles = sorted(folder.glob("pytorch_model*.bin"))
    if pickles:
        raise CheckpointError(f"{pickles[0]}: is a pickle, which can run code and is never loaded; {CONVERT}")
    raise CheckpointError(f"{folder}: has neither {single.name} nor {index.name}; save the model as safetensors")


def _open_shards(index: Path) -> StoredTensors:
    weight_map = read_json(index).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise CheckpointError(f"{index}: weight_map must list the tensors of every shard; copy the checkpoint again")
    tensors = _open_files(index, [index.parent / name for name in sorted(set(weight_map.values()))])
    absent = sorted(set(weight_map) - set(tensors.shapes))
    if absent:
        raise CheckpointError(f"{index}: names {absent[0]}, which no shard holds; copy the checkpoint again")
    return tensors


def _open_files(source: Path, files: list[Path]) -> StoredTensors:
    handles: dict[str, Any] = {}
    shapes: dict[str, tuple[int, ...]] = {}
    for file in files:
        try:
            handle = safe_open(file, framework="np")
            for name in handle.keys():  # noqa: SIM118 (a handle is no mapping)
                handles[name] = handle
                shapes[name] = tuple(handle.get_slice(name).get_shape())
        except (OSError, SafetensorError) as error:
            raise CheckpointError(
                f"{file}: cannot be read as safetensors ({error}); the file is missing or cut short, copy it again"
            ) from error
    return StoredTensors(str(source), shapes, functools.partial(_read, handles))


def _read(handles: dict[str, Any], name: str) -> np.ndarray:
    return handles[name].get_tensor(name)
