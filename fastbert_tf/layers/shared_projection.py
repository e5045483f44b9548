"""A pair of matrices that brings weights of one shape into another."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="fastbert_tf")
class SharedProjection(keras.layers.Layer):
    """Computes `left @ weight @ right` ("Extreme Language Model Compression", eq. 1 and 2), Xavier initialised.

    One instance is shared by all weights of a shape. Going down (eq. 1), left is U and right is V; going up (eq. 2),
    left is V and right is U. Where only columns are projected there is no left matrix: a vector (width,) has one axis,
    and the rows of a table (rows, width) mean the same in both models, so its rows stay.

    Args:
        from_shape: shape of the weights that are projected: (rows, columns) or (columns,).
        to_shape: shape that they get.
        projects_rows: whether the rows are projected too.

    Raises:
        ValueError: the shapes have different ranks, rows are projected of a vector, or rows that stay differ.
    """

    def __init__(
        self, from_shape: tuple[int, ...], to_shape: tuple[int, ...], projects_rows: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.from_shape = tuple(from_shape)
        self.to_shape = tuple(to_shape)
        self.projects_rows = projects_rows
        if len(self.from_shape) != len(self.to_shape) or (projects_rows and len(self.from_shape) != 2):
            raise ValueError(
                f"a weight of shape {self.from_shape} cannot be projected to {self.to_shape}: both must be matrices, "
                "or both vectors whose columns alone are projected"
            )
        if not projects_rows and self.from_shape[:-1] != self.to_shape[:-1]:
            raise ValueError(
                f"only columns are projected, so {self.from_shape} and {self.to_shape} must have the same rows"
            )

    def build(self, weight_shape: Any = None) -> None:
        def matrix(rows: int, columns: int, name: str) -> Any:
            return self.add_weight(shape=(rows, columns), initializer="glorot_uniform", name=name)

        self.left = matrix(self.to_shape[0], self.from_shape[0], "left") if self.projects_rows else None
        self.right = matrix(self.from_shape[-1], self.to_shape[-1], "right")
        self.built = True

    def call(self, weight: Any) -> Any:
        """Projects a weight of `from_shape` to `to_shape`."""
        projected = ops.matmul(weight, self.right)  # (rows, to columns)
        return ops.matmul(self.left, projected) if self.projects_rows else projected

    def compute_output_shape(self, weight_shape: Any) -> tuple:
        return self.to_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "from_shape": list(self.from_shape),
            "to_shape": list(self.to_shape),
            "projects_rows": self.projects_rows,
        }
