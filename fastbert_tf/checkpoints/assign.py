"""Copies tensors into a model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from fastbert_tf.checkpoints import tensor_names
from fastbert_tf.checkpoints.errors import CheckpointError
from fastbert_tf.checkpoints.import_report import ImportReport
from fastbert_tf.checkpoints.tensor_names import NameTable
from fastbert_tf.models import Backbone, MaskedLm


@dataclass(frozen=True)
class StoredTensors:
    """The tensors of a checkpoint, read one at a time."""

    source: str
    """File or directory, for messages."""
    shapes: Mapping[str, tuple[int, ...]]
    """Shape of every tensor by its stored name."""
    read: Callable[[str], np.ndarray]
    """Reads one tensor by its stored name."""


def assign(model: Backbone | MaskedLm, table: NameTable, tensors: StoredTensors) -> ImportReport:
    """Copies every tensor of `table` into the model.

    Args:
        model: a model of the checkpoint's shape; nothing is changed unless everything fits.
        table: names and layouts of the format.
        tensors: the checkpoint.

    Returns:
        The tensors left over.

    Raises:
        CheckpointError: tensors are missing, stand there twice, or have another shape or a type that is no float.
    """
    stored = _by_canonical_name(table, tensors)
    rows = table.expand(model.config.num_layers)
    expected = {theirs for _, theirs, _ in rows}
    left_over = {name: stored[name] for name in stored if name not in expected}
    report = ImportReport(
        missing=tuple(theirs for _, theirs, _ in rows if theirs not in stored),
        unexpected=_sorted(raw for name, raw in left_over.items() if not table.is_skipped(name)),
        skipped=_sorted(raw for name, raw in left_over.items() if table.is_skipped(name)),
    )
    if report.missing:
        raise CheckpointError(
            f"{tensors.source}: the encoder needs tensors that are missing: {_shorten(report.missing)}; "
            f"the file holds {_shorten(_sorted(tensors.shapes))}; use a whole BERT checkpoint whose configuration fits"
        )
    heads = model.config.num_heads
    targets = [(find_weight(model, ours), stored[theirs], layout) for ours, theirs, layout in rows]
    for variable, raw, layout in targets:
        _check_shape(tensors, raw, _stored_shape(tuple(variable.shape), layout, heads))
    for variable, raw, layout in targets:
        variable.assign(_to_ours(_read_float(tensors, raw), tuple(variable.shape), layout))
    return report


def find_weight(model: Backbone | MaskedLm, path: str) -> keras.Variable:
    """Returns the variable at an attribute path such as `blocks.0.attention.query.kernel`."""
    found: Any = model
    for part in path.split("."):
        found = found[int(part)] if part.isdigit() else getattr(found, part)
    return found


def _by_canonical_name(table: NameTable, tensors: StoredTensors) -> dict[str, str]:
    stored: dict[str, str] = {}
    for raw in tensors.shapes:
        first = stored.setdefault(table.canonical(raw), raw)
        if first != raw:
            raise CheckpointError(
                f"{tensors.source}: {first} and {raw} are names of the same tensor; remove the one that is not meant"
            )
    return stored


def _stored_shape(shape: tuple[int, ...], layout: str, heads: int) -> tuple[int, ...]:
    """Returns the shape in which a layout stores one of our weights."""
    if layout == tensor_names.TRANSPOSED:
        return shape[::-1]
    if layout == tensor_names.HEADS_OUT:
        return (shape[0], heads, shape[1] // heads)
    if layout == tensor_names.HEADS_IN:
        return (heads, shape[0] // heads, shape[1])
    if layout == tensor_names.HEADS_BIAS:
        return (heads, shape[0] // heads)
    return shape


def _to_ours(array: np.ndarray, shape: tuple[int, ...], layout: str) -> np.ndarray:
    return array.T if layout == tensor_names.TRANSPOSED else array.reshape(shape)


def _check_shape(tensors: StoredTensors, raw: str, expected: tuple[int, ...]) -> None:
    if tuple(tensors.shapes[raw]) != expected:
        raise CheckpointError(
            f"{tensors.source}: {raw} has shape {tuple(tensors.shapes[raw])}, but the configuration asks for "
            f"{expected}; use the configuration file that belongs to these weights"
        )


def _read_float(tensors: StoredTensors, raw: str) -> np.ndarray:
    array = tensors.read(raw)
    if not keras.backend.is_float_dtype(array.dtype.name):
        raise CheckpointError(
            f"{tensors.source}: {raw} must hold floating-point numbers, but holds {array.dtype.name}; "
            "use the checkpoint before quantization"
        )
    return array.astype(np.float32)


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(names))


def _shorten(names: tuple[str, ...], limit: int = 8) -> str:
    return ", ".join(names[:limit]) + (f" and {len(names) - limit} more" if len(names) > limit else "")
