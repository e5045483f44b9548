"""Whether this machine can run a graph's int8 products, and computes them right."""

from __future__ import annotations

import tensorflow as tf
from tensorflow.core.framework import graph_pb2
from tensorflow.python.framework.kernels import get_registered_kernels_for_op

from fastbert_serving.errors import ModelError, plain_words
from fastbert_serving.models.int8_product import OP, int8_product_error

_MOST_ERROR = 0.5  # sums are whole numbers: a wrong one is off by 1 at least


def check_kernels(graph: graph_pb2.GraphDef) -> None:
    """Refuses a graph whose int8 products would fail at the first request, or be wrong at every one.

    Every TensorFlow knows the op; only builds with oneDNN have a kernel for it, as those for x86 are; and only on a
    processor with VNNI is its result exact. A graph without int8 products costs no more than a look.

    Args:
        graph: the graph with its functions.

    Raises:
        ModelError: it holds int8 products, and this TensorFlow has no kernel for them, or one that computes wrongly.
    """
    functions = (function.node_def for function in graph.library.function)
    if not any(node.op == OP for nodes in (graph.node, *functions) for node in nodes):
        return
    if not get_registered_kernels_for_op(OP).kernel:
        raise ModelError(_refusal(f"this TensorFlow has no kernel ({OP} of oneDNN)"))
    try:
        error = int8_product_error()
    except tf.errors.OpError as failed:
        raise ModelError(_refusal(f"{OP} fails here: {plain_words(failed.message)}")) from failed
    if not error < _MOST_ERROR:
        raise ModelError(_refusal(f"{OP} is wrong here, by up to {error:.3g} in a sum of 64 products"))


def _refusal(why: str) -> str:
    return (
        f"the model computes in int8, for which {why}; serve it with TensorFlow for x86 on a processor with VNNI, or "
        "export with --precision float32"
    )
