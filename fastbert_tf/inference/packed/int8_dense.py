"""A dense layer in int8 arithmetic."""

from __future__ import annotations

import tensorflow as tf

from fastbert_tf.inference.packed.int8_coding import LEVELS
from fastbert_tf.inference.packed.int8_weights import LARGEST, Int8Weights

OP = "_QuantizedMatMul"
"""oneDNN's int8 product in TensorFlow: one scale an output; bias, activation and requantisation in the same op."""
FUSED_ACTIVATIONS = {"gelu": "GeluExact", "gelu_tanh": "GeluApproximate", "tanh": "Tanh"}
"""By the names of `BackboneConfig.activation`, and tanh."""


class Int8Dense:
    """Matrix product of uint8 codes with int8 weights, and all that follows it, as one op.

    The weights are constants of the graph: oneDNN packs them once. It may be called while a graph is traced only.

    Args:
        weights: the quantised weights.
        activation: a name in `FUSED_ACTIVATIONS`; None is linear.
        code_range: numbers that the lowest and the highest code of the output stand for; None gives numbers.
    """

    def __init__(
        self,
        weights: Int8Weights,
        activation: str | None = None,
        code_range: tuple[float, float] | None = None,
    ) -> None:
        self.weights = weights
        self.activation = activation
        self.code_range = code_range

    def __call__(self, codes: tf.Tensor, residual: tf.Tensor | None = None) -> tf.Tensor:
        """Transforms codes.

        Args:
            codes: uint8 (tokens, inputs).
            residual: float32 (tokens, outputs), added to a linear result.

        Returns:
            (tokens, outputs): numbers, or uint8 where there is a `code_range`.
        """
        limit = LARGEST * self.weights.scale  # (outputs,)
        kernel = tf.bitcast(tf.constant(self.weights.kernel), tf.qint8)
        tensors = [tf.bitcast(codes, tf.quint8), kernel, tf.constant(self.weights.bias)]
        # An input range of 0 to 255 makes one unit of a code stand for 1.
        ranges = [tf.constant(bound, tf.float32) for bound in (0.0, LEVELS, -limit, limit, *(self.code_range or ()))]
        fused = ["BiasAdd"]
        if residual is not None:
            tensors.append(residual)
            fused.append("Add")
        if self.activation is not None:
            fused.append(FUSED_ACTIVATIONS[self.activation])
        if self.code_range is None:
            return _product(tensors, ranges, [*fused, "Dequantize"], tf.float32)
        return tf.bitcast(_product(tensors, ranges, [*fused, "Requantize"], tf.quint8), tf.uint8)


def _product(tensors: list[tf.Tensor], ranges: list[tf.Tensor], fused: list[str], dtype: tf.DType) -> tf.Tensor:
    ranges_out = [] if dtype.is_floating else [tf.float32, tf.float32]
    op = tf.compat.v1.get_default_graph().create_op(
        OP,
        [*tensors, *ranges],
        [dtype, *ranges_out],
        name="int8_product",
        attrs={
            "T1": _type(tf.quint8),
            "T2": _type(tf.qint8),
            "Tbias": _type(tf.float32),
            "U": _type(tf.float32),
            "Tout": _type(dtype),
            "Tdevice_inputs": _types([tensor.dtype for tensor in tensors]),
            "Thost_inputs": _types([tensor.dtype for tensor in ranges]),
            "Tdevice_outputs": _types([dtype]),
            "Thost_outputs": _types(ranges_out),
            "fused_ops": tf.compat.v1.AttrValue(list={"s": [name.encode() for name in fused]}),
            "output_quant_mode": tf.compat.v1.AttrValue(s=b"MIN_FIRST"),
        },
    )
    result = op.outputs[0]
    result.set_shape([tensors[0].shape[0], tensors[1].shape[1]])
    return result


def _type(dtype: tf.DType) -> tf.compat.v1.AttrValue:
    return tf.compat.v1.AttrValue(type=dtype.as_datatype_enum)


def _types(dtypes: list[tf.DType]) -> tf.compat.v1.AttrValue:
    return tf.compat.v1.AttrValue(list={"type": [dtype.as_datatype_enum for dtype in dtypes]})
