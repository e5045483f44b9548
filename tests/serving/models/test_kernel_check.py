"""Whether graphs whose int8 products cannot be computed here, or come out wrong, are refused when they are loaded."""

from __future__ import annotations

from types import SimpleNamespace
from unittest import mock

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from fastbert_serving.errors import ModelError
from fastbert_serving.models import int8_product, kernel_check
from fastbert_tf.inference.packed.int8_dense import Int8Dense
from fastbert_tf.inference.packed.int8_weights import Int8Weights

OP = "_QuantizedMatMul"


def _graph(op, in_function=False):
    graph = tf.Graph().as_graph_def()
    nodes = graph.library.function.add().node_def if in_function else graph.node
    nodes.add(name="product", op=op)
    return graph


def _saturating(codes, kernel):
    """What a processor without VNNI gives: sums of two neighbours are cut off at 16 bits."""
    products = codes.astype(np.int32)[:, :, None] * kernel.astype(np.int32)  # (tokens, inputs, outputs)
    pairs = products[:, 0::2] + products[:, 1::2]
    return np.clip(pairs, -(2**15), 2**15 - 1).sum(1).astype(np.float32)


def _exported_attributes():
    """Of the op in a graph that `fastbert export --precision int8` writes."""
    ones = np.ones(48, np.float32)
    dense = Int8Dense(Int8Weights(np.ones((64, 48), np.int8), ones, ones))
    traced = tf.function(dense.__call__, autograph=False).get_concrete_function(tf.TensorSpec([5, 64], tf.uint8))
    (node,) = (node for node in traced.graph.as_graph_def().node if node.op == OP)
    return {name: value for name, value in node.attr.items() if not name.startswith("_")}


class KernelCheckTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(False, True)
    def test_this_machine_computes_right(self, in_function):
        self.assertEqual(int8_product.int8_product_error(), 0)
        kernel_check.check_kernels(_graph(OP, in_function))

    @parameterized.parameters(False, True)
    def test_a_tensorflow_without_the_kernel(self, in_function):
        none = SimpleNamespace(kernel=[])
        with mock.patch.object(kernel_check, "get_registered_kernels_for_op", return_value=none):
            kernel_check.check_kernels(_graph("MatMul", in_function))
            with self.assertRaisesRegex(ModelError, "no kernel .* --precision float32"):
                kernel_check.check_kernels(_graph(OP, in_function))

    def test_a_processor_that_saturates(self):
        """By 2 * 255 * 127 - 32767 in each of 32 pairs, where codes and weights are the largest."""
        with mock.patch.object(int8_product, "_product", _saturating):
            self.assertEqual(int8_product.int8_product_error(), 32 * (2 * 255 * 127 - (2**15 - 1)))
            kernel_check.check_kernels(_graph("MatMul"))
            with self.assertRaisesRegex(ModelError, r"is wrong here, by up to 1\.02e\+06 .*VNNI.* --precision float32"):
                kernel_check.check_kernels(_graph(OP))

    def test_results_that_are_no_numbers(self):
        with (
            mock.patch.object(int8_product, "_product", lambda *_: np.full((5, 48), np.nan)),
            self.assertRaisesRegex(ModelError, "wrong here, by up to nan"),
        ):
            kernel_check.check_kernels(_graph(OP))

    def test_an_op_that_fails(self):
        failed = tf.errors.UnimplementedError(None, None, "no primitive")
        with (
            mock.patch.object(int8_product, "_product", side_effect=failed),
            self.assertRaisesRegex(ModelError, "fails here: no primitive.* --precision float32"),
        ):
            kernel_check.check_kernels(_graph(OP))

    def test_the_op_is_that_of_an_export(self):
        tensors = [tf.zeros([1], dtype) for dtype in (tf.float32, tf.float32, tf.float32)]
        tensors[:2] = [tf.bitcast(tf.zeros([1], tf.uint8), tf.quint8), tf.bitcast(tf.zeros([1], tf.int8), tf.qint8)]
        tried = int8_product._attributes(tensors, [tf.zeros([])] * 4)
        exported = _exported_attributes()
        self.assertNotEmpty(tried)
        for name, value in tried.items():
            self.assertEqual(value, exported[name], name)


if __name__ == "__main__":
    tf.test.main()
