"""The weights that a stack's graph holds, each at the part that reads it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import tensorflow as tf

from fastbert_tf.evaluation.branch_outputs import FEATURES
from fastbert_tf.evaluation.profile_parts import Place, ProfiledStack, ScopedStack

_CODES = (tf.int8, tf.uint8, tf.qint8, tf.quint8)


def count_weights(profiled: ProfiledStack) -> tuple[Counter[Place], Counter[Place]]:
    """Counts variables, and constants that are no shapes, indices or single numbers.

    Args:
        profiled: the stack; its layers and branches are traced once.

    Returns:
        Elements and bytes by place, in the type that the graph holds; what several parts read counts at the first.
    """
    graph = _every_layer_and_branch(profiled)
    elements: Counter[Place] = Counter()
    stored: Counter[Place] = Counter()
    for name, shape, dtype in (*_captured(graph), *_constants(graph)):
        place, size = profiled.locate(name), math.prod(shape)
        elements[place] += size
        stored[place] += size * dtype.size
    return elements, stored


def _every_layer_and_branch(profiled: ProfiledStack) -> tf.Graph:
    stack = ScopedStack(profiled.stack)

    def run(inputs: dict[str, tf.Tensor]) -> list[Any]:
        state, said = stack.start(inputs), []
        for index in range(stack.num_layers):
            state = stack.layer(index, state)
            said.append(stack.classify(index, state))
        return said

    signature = {name: tf.TensorSpec([None, None], tf.int32) for name in FEATURES}
    return tf.function(run, autograph=False).get_concrete_function(signature).graph


def _captured(graph: Any) -> Iterator[tuple[str, Iterable[int], tf.DType]]:
    """Yields variables, and arrays that lie outside the graph, by the name of their first reader."""
    variables = {id(variable.handle): variable for variable in graph.variables}
    functions = {function.signature.name: function for function in graph.as_graph_def().library.function}
    for outside, inside in graph.captures:
        held = variables.get(id(outside), outside)
        reader = inside.consumers()[0]
        yield _reader_name(reader.node_def, inside.op.name, functions), held.shape, held.dtype


def _reader_name(reader: Any, source: str, functions: dict[str, Any]) -> str:
    """Returns the name of the node that reads `source`, inside the function that `reader` calls if it calls one."""
    called = [functions[value.func.name] for value in reader.attr.values() if value.func.name in functions]
    if not called:
        return reader.name
    argument = called[0].signature.input_arg[[name.split(":")[0] for name in reader.input].index(source)].name
    inner = next(node for node in called[0].node_def if argument in node.input)
    return f"{reader.name}/{_reader_name(inner, argument, functions)}"


def _constants(graph: tf.Graph) -> Iterator[tuple[str, Iterable[int], tf.DType]]:
    """Yields constants by their names, also those inside the functions that the graph calls."""
    definition = graph.as_graph_def()
    functions = {function.signature.name: function.node_def for function in definition.library.function}
    nodes = [(node.name, node) for node in definition.node]
    while nodes:
        name, node = nodes.pop()
        called = [functions[value.func.name] for value in node.attr.values() if value.func.name in functions]
        nodes.extend((f"{name}/{inner.name}", inner) for function in called for inner in function)
        if node.op == "Const":
            tensor = node.attr["value"].tensor
            shape, dtype = [axis.size for axis in tensor.tensor_shape.dim], tf.as_dtype(tensor.dtype)
            if shape and (dtype.is_floating or dtype in _CODES):
                yield name, shape, dtype
