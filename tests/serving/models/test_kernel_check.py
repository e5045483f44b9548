"""Whether graphs whose kernels are missing are refused when they are loaded."""

from __future__ import annotations

from types import SimpleNamespace
from unittest import mock

import tensorflow as tf
from absl.testing import parameterized

from fastbert_serving.errors import ModelError
from fastbert_serving.models import kernel_check


def _graph(op, in_function):
    graph = tf.Graph().as_graph_def()
    nodes = graph.library.function.add().node_def if in_function else graph.node
    nodes.add(name="product", op=op)
    return graph


class KernelCheckTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(False, True)
    def test_this_tensorflow_has_the_kernel(self, in_function):
        kernel_check.check_kernels(_graph("_QuantizedMatMul", in_function))

    @parameterized.parameters(False, True)
    def test_a_tensorflow_without_it(self, in_function):
        none = SimpleNamespace(kernel=[])
        with mock.patch.object(kernel_check, "get_registered_kernels_for_op", return_value=none):
            kernel_check.check_kernels(_graph("MatMul", in_function))
            with self.assertRaisesRegex(ModelError, "no kernel .* --precision float32"):
                kernel_check.check_kernels(_graph("_QuantizedMatMul", in_function))


if __name__ == "__main__":
    tf.test.main()
