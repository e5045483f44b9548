"""Whether this TensorFlow can run a graph's int8 products."""

from __future__ import annotations

from tensorflow.core.framework import graph_pb2
from tensorflow.python.framework.kernels import get_registered_kernels_for_op

from fastbert_serving.errors import ModelError

INT8_PRODUCT = "_QuantizedMatMul"
"""Every TensorFlow knows the op; only builds with oneDNN have a kernel for it, as those for x86 are."""


def check_kernels(graph: graph_pb2.GraphDef) -> None:
    """Refuses a graph whose int8 products would fail at the first request.

    Args:
        graph: the graph with its functions.

    Raises:
        ModelError: it holds int8 products, and this TensorFlow has no kernel for them.
    """
    functions = (function.node_def for function in graph.library.function)
    used = any(node.op == INT8_PRODUCT for nodes in (graph.node, *functions) for node in nodes)
    if used and not get_registered_kernels_for_op(INT8_PRODUCT).kernel:
        raise ModelError(
            f"the model computes in int8, for which this TensorFlow has no kernel ({INT8_PRODUCT} of oneDNN); serve it "
            "with TensorFlow for x86, or export with --precision float32"
        )
