"""The stack that computes real tokens alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from fastbert_tf.inference.packed import layout as layouts
from fastbert_tf.inference.packed.attention import HeadPlaces, head_places, places_spec
from fastbert_tf.inference.packed.block import float_block
from fastbert_tf.inference.packed.branch import float_branch
from fastbert_tf.inference.packed.embeddings import Embeddings
from fastbert_tf.inference.packed.layer_norm import fused_unit
from fastbert_tf.inference.packed.layout import BIAS_SPEC, LAYOUT_SPEC
from fastbert_tf.models import FastBert

PRECISIONS = {"float32": tf.float32, "bfloat16": tf.bfloat16}
"""Types of weights and products by name."""


class PackedState(NamedTuple):
    """What the stack carries from layer to layer."""

    hidden: tf.Tensor
    """(tokens, hidden): the packed hidden states, in the unit of `fused_unit`."""
    layout: layouts.Layout
    """Where the tokens are."""
    places: HeadPlaces
    """Where the heads' pieces are."""


class PackedStack:
    """Runs a `FastBert` over packed rows: no padding in dense layers, as little as pays in attention.

    Tables and large float32 kernels are variables. All other weights are constants inside one function a layer and one
    a branch, which a graph stores once, however often it calls them.

    Args:
        model: the trained model; its weights are copied.
        precision: a name in `PRECISIONS`.

    Raises:
        ValueError: the precision is unknown.
    """

    def __init__(self, model: FastBert, precision: str = "float32") -> None:
        if precision not in PRECISIONS:
            raise ValueError(f"precision must be one of {sorted(PRECISIONS)}, but is {precision!r}")
        dtype = PRECISIONS[precision]
        shape = model.config.backbone
        self.num_layers = shape.num_layers
        self.num_classes = model.config.num_classes
        self._num_heads = shape.num_heads
        unit = fused_unit(shape.layer_norm_epsilon)
        self._embeddings = Embeddings(model.backbone.embeddings, dtype, unit)
        hidden = tf.TensorSpec([None, shape.hidden_dim], dtype)
        block_inputs = (hidden, BIAS_SPEC, places_spec(shape.num_heads))
        blocks = [float_block(block, dtype, unit) for block in model.backbone.blocks]
        branches = [float_branch(branch, dtype, unit) for branch in model.branches]
        self._blocks = [once(block, *block_inputs) for block in blocks]
        self._branches = [once(branch, hidden, LAYOUT_SPEC) for branch in branches]
        parts: list[Any] = [self._embeddings, *blocks, *branches]
        self._variables = [variable for part in parts for variable in part.variables]

    def start(self, inputs: dict[str, tf.Tensor]) -> PackedState:
        chosen, layout = layouts.packed_columns(inputs["padding_mask"])  # (tokens, 2)
        token_ids, segment_ids = (tf.gather_nd(inputs[name], chosen) for name in ("token_ids", "segment_ids"))
        hidden = self._embeddings(token_ids, chosen[:, 1], segment_ids)  # (tokens, hidden)
        return PackedState(hidden, layout, head_places(layout, self._num_heads))

    def layer(self, index: int, state: PackedState) -> PackedState:
        return state._replace(hidden=self._blocks[index](state.hidden, state.layout.bias, state.places))

    def classify(self, index: int, state: PackedState) -> tf.Tensor:
        return self._branches[index](state.hidden, state.layout)

    def keep(self, state: PackedState, rows: tf.Tensor) -> PackedState:
        tokens, layout = layouts.keep(state.layout, rows)
        hidden = tf.nest.map_structure(lambda x: tf.gather(x, tokens), state.hidden)
        return PackedState(hidden, layout, head_places(layout, self._num_heads))

    @property
    def variables(self) -> list[Any]:
        """The Keras variables that the stack reads."""
        return self._variables


def once(call: Callable[..., Any], *inputs: Any) -> Callable[..., Any]:
    """Traces a part of the model once, for all shapes, so that a graph holds its weights once.

    Args:
        call: the part.
        inputs: a nest of `tf.TensorSpec` for each of its arguments.

    Returns:
        The function.
    """

    def traced(*tensors: Any) -> Any:
        return call(*tensors)

    return tf.function(traced, input_signature=inputs, autograph=False)
