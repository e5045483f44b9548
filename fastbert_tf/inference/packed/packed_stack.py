"""The stack that computes real tokens alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from fastbert_tf.inference.packed.layout import Layout, Lines, keep, layout_spec, pack
from fastbert_tf.models import FastBert


class PackedState(NamedTuple):
    """What the stack carries from layer to layer."""

    hidden: Any
    """The packed hidden states, in the form that the blocks read: tensors (tokens, hidden)."""
    layout: Layout
    """Where the tokens are."""


class PackedStack:
    """Runs a `FastBert` over packed rows: no padding in dense layers, as little as pays in attention.

    Subclasses bring the parts in an arithmetic of theirs. Every part is traced once, for all shapes, so that a graph
    holds its weights once, however often it calls it.

    Args:
        model: the trained model.
        lines: how rows lie in the attention.
        hidden: nest of `tf.TensorSpec` of the hidden states.
        embeddings: makes hidden states of int32 (tokens,) token ids, positions and segment ids.
        blocks: each makes hidden states of hidden states and a layout.
        branches: each makes float32 probabilities (rows, classes) of hidden states and a layout.
    """

    def __init__(
        self,
        model: FastBert,
        lines: Lines,
        hidden: Any,
        embeddings: Callable[..., Any],
        blocks: Sequence[Callable[..., Any]],
        branches: Sequence[Callable[..., tf.Tensor]],
    ) -> None:
        self.num_layers = model.config.backbone.num_layers
        self.num_classes = model.config.num_classes
        parts = (embeddings, *blocks, *branches)
        self.variables: list[Any] = [variable for part in parts for variable in getattr(part, "variables", [])]
        """The Keras variables that the stack reads. Other weights are constants."""
        self._lines = lines
        layout, ids = layout_spec(model.config.backbone.num_heads), tf.TensorSpec([None], tf.int32)
        self._embeddings = _once(embeddings, ids, ids, ids)
        self._blocks = [_once(block, hidden, layout) for block in blocks]
        self._branches = [_once(branch, hidden, layout) for branch in branches]

    def start(self, inputs: dict[str, tf.Tensor]) -> PackedState:
        chosen, layout = pack(inputs["padding_mask"], self._lines)  # (tokens, 2)
        token_ids, segment_ids = (tf.gather_nd(inputs[name], chosen) for name in ("token_ids", "segment_ids"))
        return PackedState(self._embeddings(token_ids, chosen[:, 1], segment_ids), layout)

    def layer(self, index: int, state: PackedState) -> PackedState:
        return state._replace(hidden=self._blocks[index](*state))

    def classify(self, index: int, state: PackedState) -> tf.Tensor:
        return self._branches[index](*state)

    def keep(self, state: PackedState, rows: tf.Tensor) -> PackedState:
        tokens, layout = keep(state.layout, rows, self._lines)
        return PackedState(tf.nest.map_structure(lambda x: tf.gather(x, tokens), state.hidden), layout)


def _once(call: Callable[..., Any], *inputs: Any) -> Callable[..., Any]:
    def traced(*tensors: Any) -> Any:
        return call(*tensors)

    return tf.function(traced, input_signature=inputs, autograph=False)
