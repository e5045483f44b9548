"""A signature: named, typed inputs and outputs of a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from tensorflow.core.protobuf import meta_graph_pb2

from fastbert_serving.errors import InvalidRequest
from fastbert_serving.tensor_codec import array_dtype_name, dtype_name

Shape = tuple[int | None, ...]


@dataclass(frozen=True)
class TensorRule:
    """Type and shape of an input or output."""

    dtype: str
    """TensorFlow's name, such as `string`."""
    shape: Shape | None
    """Sizes of the axes, None for any size; None in place of the shape for any rank."""

    @classmethod
    def from_proto(cls, info: meta_graph_pb2.TensorInfo) -> TensorRule:
        """Reads the rule from a SignatureDef."""
        sizes = tuple(None if axis.size < 0 else axis.size for axis in info.tensor_shape.dim)
        return cls(dtype_name(info.dtype), None if info.tensor_shape.unknown_rank else sizes)

    def fits(self, shape: Sequence[int]) -> bool:
        """Whether an array's shape obeys the rule."""
        if self.shape is None:
            return True
        return len(shape) == len(self.shape) and all(
            rule in (None, size) for rule, size in zip(self.shape, shape, strict=True)
        )


@dataclass(frozen=True)
class Signature:
    """Inputs and outputs of one entry point of a model."""

    name: str
    """The signature's name."""
    inputs: dict[str, TensorRule]
    """Rules of the inputs, all of which a request must send."""
    outputs: dict[str, TensorRule]
    """Rules of the outputs."""

    @classmethod
    def from_proto(cls, name: str, signature: meta_graph_pb2.SignatureDef) -> Signature:
        """Reads a SignatureDef."""
        inputs, outputs = (
            {alias: TensorRule.from_proto(side[alias]) for alias in sorted(side)}
            for side in (signature.inputs, signature.outputs)
        )
        return cls(name, inputs, outputs)

    def check_inputs(self, inputs: Mapping[str, np.ndarray]) -> None:
        """Compares a request's inputs with the rules.

        Args:
            inputs: arrays by input name.

        Raises:
            InvalidRequest: an input is missing, unknown, or of the wrong type or shape; the message names it.
        """
        takes = f"signature {self.name!r} takes {', '.join(self.inputs) or 'no inputs'}"
        for alias in sorted(set(self.inputs) - set(inputs)):
            raise InvalidRequest(f"input {alias!r} is missing; {takes}")
        for alias in sorted(set(inputs) - set(self.inputs)):
            raise InvalidRequest(f"input {alias!r} is unknown; {takes}")
        for alias, rule in self.inputs.items():
            dtype, shape = array_dtype_name(inputs[alias]), inputs[alias].shape
            if dtype != rule.dtype:
                raise InvalidRequest(f"input {alias!r} must be {rule.dtype}, but is {dtype}")
            if not rule.fits(shape):
                raise InvalidRequest(f"input {alias!r} must have shape {_shown(rule.shape)}, but has {_shown(shape)}")

    def chosen_outputs(self, output_filter: Sequence[str]) -> list[str]:
        """Returns the outputs that a request asks for; no filter asks for all.

        Raises:
            InvalidRequest: the filter names an unknown output, or one twice.
        """
        for alias in output_filter:
            if alias not in self.outputs:
                has = f"signature {self.name!r} has {', '.join(self.outputs)}"
                raise InvalidRequest(f"output {alias!r} of output_filter is unknown; {has}")
        if len(set(output_filter)) < len(output_filter):
            raise InvalidRequest("output_filter names an output twice; name each once")
        return list(output_filter) or list(self.outputs)


def _shown(shape: Shape | None) -> str:
    return "of any rank" if shape is None else "[" + ", ".join("any" if s is None else str(s) for s in shape) + "]"
