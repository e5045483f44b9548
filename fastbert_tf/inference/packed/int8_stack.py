"""The packed stack in int8 arithmetic."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import tensorflow as tf

from fastbert_tf.inference.packed.branch import Branch, float_branch
from fastbert_tf.inference.packed.int8_block import hidden_coding, int8_block
from fastbert_tf.inference.packed.int8_coding import Coding
from fastbert_tf.inference.packed.int8_dense import Int8Dense
from fastbert_tf.inference.packed.int8_embeddings import Int8Embeddings
from fastbert_tf.inference.packed.int8_norm import Hidden
from fastbert_tf.inference.packed.int8_sample import ModelSample
from fastbert_tf.inference.packed.int8_weights import int8_weights
from fastbert_tf.inference.packed.lines import OwnLines
from fastbert_tf.inference.packed.packed_stack import PackedStack
from fastbert_tf.layers import BranchClassifier
from fastbert_tf.models import FastBert


class Int8Stack(PackedStack):
    """Runs a `FastBert` over packed rows, with all products over tokens in int8 but those between tokens.

    Args:
        model: the trained model; its weights are quantised.
        sample: of its hidden numbers, from `sample_activations`.
    """

    def __init__(self, model: FastBert, sample: ModelSample) -> None:
        shape, blocks, branches = model.config.backbone, model.backbone.blocks, model.branches
        seen = [*(block.hidden for block in sample.blocks), sample.last]  # before, between and after the layers
        readers = [*(block.attention for block in blocks), branches[-1].input_projection]
        codings = [hidden_coding(*pair) for pair in zip(seen, readers, strict=True)]
        width = [None, shape.hidden_dim]
        block_parts = zip(blocks, sample.blocks, codings[:-1], codings[1:], strict=True)
        super().__init__(
            model,
            lines=OwnLines(shape.num_heads),
            hidden=Hidden(tf.TensorSpec(width, tf.uint8), tf.TensorSpec(width, tf.float32)),
            embeddings=Int8Embeddings(model.backbone.embeddings, codings[0]),
            blocks=[int8_block(*parts) for parts in block_parts],
            branches=[_int8_branch(*parts) for parts in zip(branches, codings[1:], seen[1:], strict=True)],
        )


def _int8_branch(trained: BranchClassifier, coding: Coding, seen: np.ndarray) -> Branch:
    """Quantises the one product of a branch that is over all tokens."""
    narrow = trained.input_projection
    dense = Int8Dense(int8_weights(np.asarray(narrow.kernel), np.asarray(narrow.bias), coding, seen), "tanh")
    return replace(float_branch(trained, tf.float32), narrow=lambda hidden: dense(hidden.codes))
