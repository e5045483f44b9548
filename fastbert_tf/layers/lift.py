"""The learned projection between the widths of student and teacher."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="fastbert_tf")
class Lift(keras.layers.Layer):
    """Lifts the student's embedding table to the teacher's width, for reading and for predicting.

    A table E (vocabulary, narrow) is lifted to E K. Reading looks rows up in E and multiplies them by K; predicting
    needs x (E K)^T = (x K^T) E^T, so the lifted table is never made.

    Args:
        narrow_dim: the student's width, in units.
        wide_dim: the teacher's width, in units.
    """

    def __init__(self, narrow_dim: int, wide_dim: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.narrow_dim = narrow_dim
        self.wide_dim = wide_dim

    def build(self, input_shape: Any = None) -> None:
        shape = (self.narrow_dim, self.wide_dim)
        self.kernel = self.add_weight(shape=shape, initializer="glorot_uniform", name="kernel")
        self.built = True

    def call(self, inputs: Any, reverse: bool = False) -> Any:
        """Multiplies by K (..., narrow_dim) -> (..., wide_dim), or by its transpose the other way if `reverse`."""
        return ops.matmul(inputs, ops.transpose(self.kernel) if reverse else self.kernel)

    def compute_output_shape(self, input_shape: Any, reverse: bool = False) -> tuple:
        return (*input_shape[:-1], self.narrow_dim if reverse else self.wide_dim)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "narrow_dim": self.narrow_dim, "wide_dim": self.wide_dim}
