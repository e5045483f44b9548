"""Tensors on the wire, against TensorFlow's own encoding."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from tensorflow.core.framework import tensor_pb2, types_pb2

from fastbert_serving.tensor_codec import to_array, to_proto

ARRAYS = (
    np.array([[0.5, -1.5], [np.inf, 3.0]], np.float32),
    np.array([1e-300], np.float64),
    np.array([[[1], [-2]]], np.int32),
    np.array([2**40], np.int64),
    np.array([True, False]),
    np.array([b"", b"\xff\x00", "😀".encode()], object),
    np.zeros((0, 3), np.float32),
    np.array([], object),
    np.array(7, np.int32),
)


def proto(shape, dtype=types_pb2.DT_FLOAT, **fields):
    """A hand-made TensorProto."""
    made = tensor_pb2.TensorProto(dtype=dtype, **fields)
    for size in shape:
        made.tensor_shape.dim.add(size=size)
    return made


class TensorCodecTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(*((array,) for array in ARRAYS))
    def test_agrees_with_tensorflow(self, array):
        for got in (to_array(tf.make_tensor_proto(array)), tf.make_ndarray(to_proto(array)), to_array(to_proto(array))):
            self.assertEqual(got.shape, array.shape)
            self.assertEqual(got.dtype, array.dtype)
            self.assertAllEqual(got, array)

    def test_the_highest_rank(self):
        array = to_array(proto([1] * 32, types_pb2.DT_STRING, string_val=[b"a"]))
        self.assertEqual(list(array.flat), [b"a"])

    def test_the_last_value_is_repeated(self):
        for made in (tf.make_tensor_proto(0.5, shape=[64]), proto([2, 3], float_val=[1.0, 2.0])):
            self.assertAllEqual(to_array(made), tf.make_ndarray(made))

    def test_packed_strings_of_other_clients(self):
        content = bytes([2, 0, 3]) + b"ab" + b"" + b"xyz"  # lengths, then bytes
        got = to_array(proto([3], types_pb2.DT_STRING, tensor_content=content))
        self.assertAllEqual(got, np.array([b"ab", b"", b"xyz"], object))
        scalar = to_array(proto([], types_pb2.DT_STRING, tensor_content=bytes([2]) + b"ab"))
        self.assertEqual((scalar.shape, scalar.dtype, scalar.item()), ((), object, b"ab"))

    @parameterized.parameters(
        (proto([2], float_val=[]), r"shape \[2\], but 0 values"),
        (proto([1], float_val=[1.0, 2.0]), r"shape \[1\], but 2 values"),
        (proto([10**12], float_val=[1.0]), "but 1 values"),  # a few bytes that ask for terabytes
        (proto([10**6, 10**6, 10**6], float_val=[1.0]), "but 1 values"),
        (proto([2], tensor_content=b"1234"), "but 4 bytes of content"),
        (proto([1] * 33, float_val=[1.0]), "has 33 dimensions, but may have at most 32"),
        (proto([1] * 300, float_val=[1.0]), "has 300 dimensions"),
        (proto([2**62] * 87_000), "has 87000 dimensions"),  # a mebibyte, whose product takes minutes
        (proto([2**62] * 32, float_val=[1.0]), "but 1 values"),
        (proto([-1], float_val=[1.0]), "no full shape"),
        (proto([10**12], types_pb2.DT_STRING, tensor_content=b"\x01a"), "fewer strings"),
        (proto([1], types_pb2.DT_STRING, tensor_content=b"\x09a"), "no list of strings"),
        (proto([1], types_pb2.DT_COMPLEX64), "complex64, which is not supported"),
        (proto([1], 12345), "type 12345, which is not supported"),
        (tensor_pb2.TensorProto(), "not supported"),
        (tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, tensor_shape={"unknown_rank": True}), "no full shape"),
    )
    def test_refuses(self, made, words):
        with self.assertRaisesRegex(ValueError, words):
            to_array(made)


if __name__ == "__main__":
    tf.test.main()
