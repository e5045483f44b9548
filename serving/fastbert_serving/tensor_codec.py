"""Tensors on the wire: `TensorProto` to NumPy arrays and back, without trust in the sender."""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2, types_pb2

_FIELDS: dict[int, tuple[str, np.dtype]] = {
    types_pb2.DT_FLOAT: ("float_val", np.dtype(np.float32)),
    types_pb2.DT_DOUBLE: ("double_val", np.dtype(np.float64)),
    types_pb2.DT_INT32: ("int_val", np.dtype(np.int32)),
    types_pb2.DT_INT64: ("int64_val", np.dtype(np.int64)),
    types_pb2.DT_BOOL: ("bool_val", np.dtype(np.bool_)),
    types_pb2.DT_STRING: ("string_val", np.dtype(object)),
}
MAX_REPEATED = 4096
MAX_RANK = 32
"""Most dimensions of a tensor: NumPy iterates over no more. TensorFlow's own limit is 254."""
_TYPES = {dtype: code for code, (_, dtype) in _FIELDS.items()}


def dtype_name(code: int) -> str:
    """Returns TensorFlow's name of a type code, such as `string` or `float32`."""
    try:
        return tf.dtypes.as_dtype(code).name
    except TypeError:
        return f"type {code}"


def array_dtype_name(array: np.ndarray) -> str:
    """Returns TensorFlow's name of an array's type; strings are arrays of `bytes` objects."""
    return "string" if array.dtype == object else array.dtype.name


def to_array(proto: tensor_pb2.TensorProto) -> np.ndarray:
    """Decodes a tensor.

    Where a proto holds fewer values than its shape, TensorFlow repeats the last one; so does this, up to
    `MAX_REPEATED` times: a huge shape fits in a few bytes.

    Args:
        proto: float32, float64, int32, int64, bool or string.

    Returns:
        The array; strings as an object array of `bytes`.

    Raises:
        ValueError: another type, an unknown shape, too many dimensions, or a shape that the values do not fill.
    """
    if proto.dtype not in _FIELDS:
        raise ValueError(f"has type {dtype_name(proto.dtype)}, which is not supported")
    rank = len(proto.tensor_shape.dim)
    if rank > MAX_RANK:  # the product of all that a message can hold would take hours
        raise ValueError(f"has {rank} dimensions, but may have at most {MAX_RANK}")
    shape = tuple(axis.size for axis in proto.tensor_shape.dim)
    if proto.tensor_shape.unknown_rank or any(size < 0 for size in shape):
        raise ValueError("has no full shape")
    field, dtype = _FIELDS[proto.dtype]
    if proto.tensor_content:
        return _from_content(proto, shape, dtype)
    values = getattr(proto, field)
    missing = math.prod(shape) - len(values)
    if len(values) and 0 < missing <= MAX_REPEATED:
        return np.array([*values, *[values[-1]] * missing], dtype).reshape(shape)
    _require_filled(shape, len(values))
    return np.array(values, dtype).reshape(shape)


def to_proto(array: np.ndarray) -> tensor_pb2.TensorProto:
    """Encodes an array in typed fields, as TensorFlow Serving answers; strings are object arrays of `bytes`."""
    code = _TYPES[array.dtype]
    proto = tensor_pb2.TensorProto(dtype=code)
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    getattr(proto, _FIELDS[code][0]).extend(array.ravel().tolist())
    return proto


def _from_content(proto: tensor_pb2.TensorProto, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    if dtype.hasobject:  # C++ clients pack strings this way: lengths, then bytes
        if math.prod(shape) > len(proto.tensor_content):  # every string takes at least its length byte
            raise ValueError(f"has shape {list(shape)}, but content for fewer strings")
        try:
            return np.asarray(tf.io.parse_tensor(proto.SerializeToString(), tf.string).numpy(), object)
        except tf.errors.InvalidArgumentError as error:
            raise ValueError("has content that is no list of strings") from error
    if math.prod(shape) * dtype.itemsize != len(proto.tensor_content):
        raise ValueError(f"has shape {list(shape)}, but {len(proto.tensor_content)} bytes of content")
    return np.frombuffer(proto.tensor_content, dtype).reshape(shape)


def _require_filled(shape: tuple[int, ...], values: int) -> None:
    if math.prod(shape) != values:
        raise ValueError(f"has shape {list(shape)}, but {values} values")
