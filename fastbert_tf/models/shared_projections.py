"""The projection loss between the weights of teacher and student."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from fastbert_tf.layers import SharedProjection
from fastbert_tf.models.masked_lm import MaskedLm
from fastbert_tf.models.student_config import checked_layer_map

DIRECTIONS = ("down", "up")


@dataclass(frozen=True)
class WeightPair:
    """A weight of the teacher and the one of the student that corresponds to it."""

    teacher: Any
    student: Any
    projects_rows: bool


class SharedProjections(keras.layers.Layer):
    """Aligns the student's weights with the teacher's ("Extreme Language Model Compression", eq. 1 and 2).

    `down` projects the teacher's weights and compares in the student's shapes; `up` projects the student's and
    compares in the teacher's. There is one `SharedProjection` for each distinct shape of the teacher's weights, shared
    by all layers, in float32 whatever the models compute in. It is needed neither for fine-tuning nor for inference.

    The loss is the sum over the weights of the *mean* of the squared differences (the paper prints the squared norm
    and calls it a mean square error).

    - Kernels: rows and columns are projected.
    - Vectors (biases, layer normalisation): they have one axis, so V alone going down, U alone going up.
    - Position and segment embeddings: their rows mean the same in both models, so only columns are projected.
    - Token embeddings and the output's bias: left out. The rows of two vocabularies do not correspond, and a matrix
      between them would be larger than the teacher; dual training is what aligns them.

    Args:
        teacher: its weights are read, not owned.
        student: its weights are read, not owned.
        direction: `down` (eq. 1) or `up` (eq. 2).
        layer_map: the teacher's layer, counted from 1, for every layer of the student; None maps layer i to layer i.

    Raises:
        ValueError: another direction, layers that do not map, or embedding tables with different rows.
    """

    def __init__(
        self,
        teacher: MaskedLm,
        student: MaskedLm,
        direction: str,
        layer_map: Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(dtype="float32", **kwargs)
        if direction not in DIRECTIONS:
            raise ValueError(f"direction must be one of {DIRECTIONS}, but is {direction!r}")
        self.direction = direction
        # In a closure: the weights belong to the models, and must not be tracked twice.
        pairs = weight_pairs(teacher, student, layer_map)
        self._pairs = lambda: pairs
        self.projections = self._make(pairs)
        self.built = True

    def projection_loss(self) -> Any:
        """Returns L_p, a float32 scalar."""
        return sum((self._error(pair) for pair in self._pairs()), start=ops.zeros(()))

    def _error(self, pair: WeightPair) -> Any:
        source, target = self._ends(pair)
        projected = self.projections[_key(pair)](ops.convert_to_tensor(source))
        return ops.mean(ops.square(projected - ops.convert_to_tensor(target)))

    def _ends(self, pair: WeightPair) -> tuple[Any, Any]:
        return (pair.teacher, pair.student) if self.direction == "down" else (pair.student, pair.teacher)

    def _make(self, pairs: list[WeightPair]) -> dict[str, SharedProjection]:
        """Makes one projection for each distinct shape of the teacher's."""
        projections: dict[str, SharedProjection] = {}
        for pair in pairs:
            key = _key(pair)
            if key not in projections:
                source, target = (tuple(weight.shape) for weight in self._ends(pair))
                name = f"projection_{key}"
                projections[key] = SharedProjection(source, target, pair.projects_rows, dtype="float32", name=name)
                projections[key].build()
        return projections


def weight_pairs(teacher: MaskedLm, student: MaskedLm, layer_map: Sequence[int] | None = None) -> list[WeightPair]:
    """Returns the weights that correspond, the embeddings' first, then layer by layer, then the head's.

    Raises:
        ValueError: the layers do not map, or tables have different rows.
    """
    wide, narrow = teacher.backbone, student.backbone
    layers = checked_layer_map(layer_map, wide.config.num_layers, narrow.config.num_layers)
    pairs = []
    for name in ("position_embedding", "segment_embedding"):
        tables = [getattr(backbone.embeddings, name).embeddings for backbone in (wide, narrow)]
        if tables[0].shape[0] != tables[1].shape[0]:
            raise ValueError(
                f"teacher and student must have equally many rows in {name}, but have {tables[0].shape[0]} and "
                f"{tables[1].shape[0]}; give both the same max_sequence_length and num_segments"
            )
        pairs.append(WeightPair(tables[0], tables[1], projects_rows=False))
    owners = [(wide.embeddings.layer_norm, narrow.embeddings.layer_norm)]
    owners += [(wide.blocks[layer - 1], block) for layer, block in zip(layers, narrow.blocks, strict=True)]
    owners += [(teacher.transform, student.transform)]
    for wide_owner, narrow_owner in owners:
        for one, other in zip(wide_owner.trainable_weights, narrow_owner.trainable_weights, strict=True):
            pairs.append(WeightPair(one, other, projects_rows=len(one.shape) == 2))
    return pairs


def _key(pair: WeightPair) -> str:
    return "x".join(map(str, pair.teacher.shape)) + ("" if pair.projects_rows else "_columns")
