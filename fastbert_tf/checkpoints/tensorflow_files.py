"""Opens TensorFlow checkpoints (`*.index` and `*.data-*`)."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from fastbert_tf.checkpoints.errors import CheckpointError, one_line

OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"


def open_checkpoint(folder: Path) -> Any:
    """Opens the checkpoint of a directory.

    Args:
        folder: holds one checkpoint, or a `checkpoint` file that names the one to take.

    Returns:
        A `tf.train.CheckpointReader`.

    Raises:
        CheckpointError: there is none, there are several, or the index is cut short.
    """
    prefix = _find_prefix(folder)
    if not list(folder.glob(f"{prefix.name}.data-*")):
        raise CheckpointError(f"{prefix}.index: stands without its {prefix.name}.data-* files; copy them beside it")
    try:
        return tf.train.load_checkpoint(str(prefix))
    except (tf.errors.OpError, RuntimeError, ValueError) as error:
        raise CheckpointError(f"{prefix}.index: cannot be read ({one_line(error)}); copy the checkpoint again") from error


def is_object_graph(reader: Any) -> bool:
    """Tells whether `tf.train.Checkpoint` (TensorFlow 2) wrote the checkpoint."""
    return OBJECT_GRAPH in reader.get_variable_to_shape_map()


def read_tensor(source: str, reader: Any, name: str) -> np.ndarray:
    """Reads one tensor.

    Raises:
        CheckpointError: its data are cut short.
    """
    try:
        return reader.get_tensor(name)
    except (tf.errors.OpError, RuntimeError, ValueError) as error:
        raise CheckpointError(f"{source}: {name} cannot be read ({one_line(error)}); copy the data files again") from error


def tensor_reader(source: str, reader: Any) -> functools.partial:
    """Returns `read_tensor` as a function of the name alone."""
    return functools.partial(read_tensor, source, reader)


def _find_prefix(folder: Path) -> Path:
    latest = tf.train.latest_checkpoint(str(folder))
    if latest is not None:
        return folder / Path(latest).name
    found = sorted(path.with_suffix("") for path in folder.glob("*.index"))
    if len(found) == 1:
        return found[0]
    if not found:
        raise CheckpointError(f"{folder}: holds no *.index file; pass the directory of a TensorFlow checkpoint")
    raise CheckpointError(
        f"{folder}: holds {len(found)} checkpoints ({found[0].name}, {found[1].name}, ...); leave only the one to import"
    )
