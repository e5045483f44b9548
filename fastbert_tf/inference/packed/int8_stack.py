"""The packed stack in int8 arithmetic."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from fastbert_tf.inference.packed import layout as layouts
from fastbert_tf.inference.packed.attention import HeadPlaces, places_spec
from fastbert_tf.inference.packed.branch import Branch, float_branch
from fastbert_tf.inference.packed.int8_attention import BIAS_SPEC, row_places
from fastbert_tf.inference.packed.int8_block import hidden_coding, int8_block
from fastbert_tf.inference.packed.int8_coding import Coding
from fastbert_tf.inference.packed.int8_dense import Int8Dense
from fastbert_tf.inference.packed.int8_embeddings import Int8Embeddings
from fastbert_tf.inference.packed.int8_norm import Hidden
from fastbert_tf.inference.packed.int8_sample import ModelSample
from fastbert_tf.inference.packed.int8_weights import int8_weights
from fastbert_tf.inference.packed.packed_stack import once
from fastbert_tf.layers import BranchClassifier
from fastbert_tf.models import FastBert


class Int8State(NamedTuple):
    """What the stack carries from layer to layer."""

    hidden: Hidden
    """The packed hidden states."""
    layout: layouts.Layout
    """Where the tokens are."""
    places: HeadPlaces
    """Where the heads' pieces are."""
    bias: tf.Tensor
    """float32 (rows, 1, 1, slots), added to the attention scores."""


class Int8Stack:
    """Runs a `FastBert` over packed rows, with all products over tokens in int8 but those between tokens.

    Args:
        model: the trained model; its weights are quantised.
        sample: of its hidden numbers, from `sample_activations`.
    """

    def __init__(self, model: FastBert, sample: ModelSample) -> None:
        shape, blocks, branches = model.config.backbone, model.backbone.blocks, model.branches
        self.num_layers = shape.num_layers
        self.num_classes = model.config.num_classes
        self._num_heads = shape.num_heads
        seen = [*(block.hidden for block in sample.blocks), sample.last]  # before, between and after the layers
        readers = [*(block.attention for block in blocks), branches[-1].input_projection]
        codings = [hidden_coding(*pair) for pair in zip(seen, readers, strict=True)]
        width, ids = [None, shape.hidden_dim], tf.TensorSpec([None], tf.int32)
        codes, shifted = tf.TensorSpec(width, tf.uint8), tf.TensorSpec(width, tf.float32)
        block_inputs = (Hidden(codes, shifted), BIAS_SPEC, places_spec(shape.num_heads))
        embeddings = Int8Embeddings(model.backbone.embeddings, codings[0])
        self.variables: list[Any] = embeddings.variables
        """The Keras variables that the stack reads."""
        self._embeddings = once(embeddings, ids, ids, ids)
        self._blocks = [
            once(int8_block(*parts), *block_inputs)
            for parts in zip(blocks, sample.blocks, codings[:-1], codings[1:], strict=True)
        ]
        self._branches = [
            once(_int8_branch(*parts), codes, layouts.LAYOUT_SPEC)
            for parts in zip(branches, codings[1:], seen[1:], strict=True)
        ]

    def start(self, inputs: dict[str, tf.Tensor]) -> Int8State:
        chosen, layout = layouts.packed_columns(inputs["padding_mask"])  # (tokens, 2)
        token_ids, segment_ids = (tf.gather_nd(inputs[name], chosen) for name in ("token_ids", "segment_ids"))
        return self._state(self._embeddings(token_ids, chosen[:, 1], segment_ids), layout)

    def layer(self, index: int, state: Int8State) -> Int8State:
        return state._replace(hidden=self._blocks[index](state.hidden, state.bias, state.places))

    def classify(self, index: int, state: Int8State) -> tf.Tensor:
        return self._branches[index](state.hidden.codes, state.layout)

    def keep(self, state: Int8State, rows: tf.Tensor) -> Int8State:
        tokens, layout = layouts.keep(state.layout, rows)
        return self._state(Hidden(*(tf.gather(x, tokens) for x in state.hidden)), layout)

    def _state(self, hidden: Hidden, layout: layouts.Layout) -> Int8State:
        return Int8State(hidden, layout, *row_places(layout, tf.shape(hidden.codes)[0], self._num_heads))


def _int8_branch(trained: BranchClassifier, coding: Coding, seen: np.ndarray) -> Branch:
    """Quantises the one product of a branch that is over all tokens."""
    narrow = trained.input_projection
    weights = int8_weights(np.asarray(narrow.kernel), np.asarray(narrow.bias), coding, seen)
    return replace(float_branch(trained, tf.float32), narrow=Int8Dense(weights, "tanh"))
