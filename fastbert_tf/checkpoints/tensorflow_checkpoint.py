"""TensorFlow checkpoints on disk: `*.index` and `*.data-*`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from fastbert_tf.checkpoints.errors import CheckpointError, one_line

OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
READ_ERRORS = (tf.errors.OpError, IndexError, RuntimeError, ValueError)  # IndexError: TensorFlow's word for "cut short"


@dataclass(frozen=True)
class TensorFlowCheckpoint:
    """An open checkpoint of TensorFlow 1 or 2."""

    prefix: str
    """Path of its files without `.index`."""
    reader: Any
    """A `tf.train.CheckpointReader`."""

    @classmethod
    def open(cls, folder: Path) -> TensorFlowCheckpoint:
        """Opens the checkpoint of a directory.

        Args:
            folder: holds one checkpoint, or a `checkpoint` file that names the one to take.

        Raises:
            CheckpointError: there is none, there are several, or the index is cut short.
        """
        prefix = _find_prefix(folder)
        if not any(folder.glob(f"{prefix.name}.data-*")):
            raise CheckpointError(f"{prefix}.index: stands without its {prefix.name}.data-* files; copy them beside it")
        try:
            return cls(str(prefix), tf.train.load_checkpoint(str(prefix)))
        except READ_ERRORS as error:
            raise CheckpointError(f"{prefix}.index: cannot be read ({one_line(error)}); copy it again") from error

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every tensor by its key."""
        return {key: tuple(shape) for key, shape in self.reader.get_variable_to_shape_map().items()}

    @property
    def has_object_graph(self) -> bool:
        """Whether `tf.train.Checkpoint` (TensorFlow 2) wrote it."""
        return self.reader.has_tensor(OBJECT_GRAPH)

    def read(self, key: str) -> np.ndarray:
        """Reads one tensor.

        Raises:
            CheckpointError: its data are cut short.
        """
        try:
            return self.reader.get_tensor(key)
        except READ_ERRORS as error:
            raise CheckpointError(
                f"{self.prefix}: {key} cannot be read ({one_line(error)}); copy the data files again"
            ) from error


def _find_prefix(folder: Path) -> Path:
    latest = tf.train.latest_checkpoint(str(folder))
    if latest is not None:
        return folder / Path(latest).name
    found = sorted(path.with_suffix("") for path in folder.glob("*.index"))
    if not found:
        raise CheckpointError(f"{folder}: holds no *.index file; pass the directory of a TensorFlow checkpoint")
    if len(found) > 1:
        raise CheckpointError(
            f"{folder}: holds {len(found)} checkpoints ({found[0].name}, {found[1].name}, ...); leave one of them"
        )
    return found[0]
