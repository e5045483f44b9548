"""The stack for one row at a time, in operations that small interpreters know."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from keras import ops

from fastbert_tf.inference.packed.weights import folded_branch, fused_attention
from fastbert_tf.layers import BertEmbeddings, BranchClassifier, EncoderBlock
from fastbert_tf.models import FastBert


class SingleRowStack:
    """Runs a `FastBert` over one row without padding; its state is the hidden states (tokens, hidden).

    Every dense layer is one product of a matrix and a constant, and no shape depends on a value: a converter finds its
    fused operations, and an interpreter plans all memory beforehand. A constant is made where it is used. Each call is
    meant to be traced once, as the exit loop does: inside its own branch of the loop, a weight is then held once.

    Args:
        model: the trained model; its weights are copied.
        max_sequence_length: positions to keep, at most the model's; None for all.

    Raises:
        ValueError: the model has fewer positions.
    """

    def __init__(self, model: FastBert, max_sequence_length: int | None = None) -> None:
        shape = model.config.backbone
        length = shape.max_sequence_length if max_sequence_length is None else max_sequence_length
        if not 1 <= length <= shape.max_sequence_length:
            raise ValueError(
                f"max_sequence_length must be 1 to the model's {shape.max_sequence_length} positions, but is {length}"
            )
        self.num_layers = shape.num_layers
        self.num_classes = model.config.num_classes
        self._embeddings = _Embeddings(model.backbone.embeddings, length)
        self._blocks = [_Block(block) for block in model.backbone.blocks]
        self._branches = [_Branch(branch) for branch in model.branches]

    def start(self, inputs: dict[str, tf.Tensor]) -> tf.Tensor:
        """Embeds int32 (1, tokens) `token_ids`, all of them real, and `segment_ids`, if there are any but 0."""
        segment_ids = inputs.get("segment_ids")
        token_ids = tf.reshape(inputs["token_ids"], [-1])
        return self._embeddings(token_ids, None if segment_ids is None else tf.reshape(segment_ids, [-1]))

    def layer(self, index: int, state: tf.Tensor) -> tf.Tensor:
        return self._blocks[index](state)

    def classify(self, index: int, state: tf.Tensor) -> tf.Tensor:
        return self._branches[index](state)  # (1, classes)

    def keep(self, state: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
        return state  # the loop goes on only while the one row is left


class _Embeddings:
    """Sum of token, position and segment vectors, normalised."""

    def __init__(self, trained: BertEmbeddings, length: int) -> None:
        self._tokens = _numbers(trained.token_embedding.embeddings)
        self._segments = _numbers(trained.segment_embedding.embeddings)
        self._positions = _numbers(trained.position_embedding.embeddings)[:length]
        self._norm = _Norm(trained.layer_norm)

    def __call__(self, token_ids: tf.Tensor, segment_ids: tf.Tensor | None) -> tf.Tensor:
        # Counted, not sliced: the shape of a sum does not depend on values.
        places = tf.cumsum(tf.cast(token_ids >= 0, tf.int32), exclusive=True)  # (tokens,)
        hidden = tf.gather(tf.constant(self._tokens), token_ids)  # (tokens, hidden)
        if segment_ids is None:
            return self._norm(hidden + tf.gather(tf.constant(self._positions + self._segments[0]), places))
        hidden = hidden + tf.gather(tf.constant(self._positions), places)
        return self._norm(hidden + tf.gather(tf.constant(self._segments), segment_ids))


class _Block:
    """Self-attention and feed-forward, each with residual and layer normalisation."""

    def __init__(self, trained: EncoderBlock) -> None:
        fused, self._heads = fused_attention(trained.attention), trained.num_heads
        scale = np.ones(fused.kernel.shape[1])
        scale[: trained.hidden_dim] = trained.attention.head_dim**-0.5  # of the queries
        self._project = _Dense(fused.kernel * scale, fused.bias * scale)
        self._output = _Dense(fused.output_kernel, fused.output_bias)
        self._attention_norm, self._output_norm = _Norm(trained.attention_norm), _Norm(trained.output_norm)
        self._intermediate = _Dense.of(trained.intermediate)
        self._outer = _Dense.of(trained.output_projection)
        self._approximate = trained.activation == "gelu_tanh"

    def __call__(self, hidden: tf.Tensor) -> tf.Tensor:
        hidden = self._attention_norm(hidden + self._attend(hidden))
        inner = tf.nn.gelu(self._intermediate(hidden), approximate=self._approximate)  # (tokens, intermediate)
        return self._output_norm(hidden + self._outer(inner))

    def _attend(self, hidden: tf.Tensor) -> tf.Tensor:
        width = hidden.shape[1]
        split = tf.reshape(self._project(hidden), [-1, 3 * self._heads, width // self._heads])
        query, key, value = tf.split(tf.transpose(split, [1, 0, 2]), 3)  # each (heads, tokens, head_dim)
        weights = tf.nn.softmax(tf.matmul(query, key, transpose_b=True))  # (heads, query, key)
        pooled = tf.transpose(tf.matmul(weights, value), [1, 0, 2])  # (tokens, heads, head_dim)
        return self._output(tf.reshape(pooled, [-1, width]))


class _Branch:
    """A branch classifier; everything linear between its two tanh is folded."""

    def __init__(self, trained: BranchClassifier) -> None:
        folded, self._heads = folded_branch(trained), trained.branch_heads
        self._narrow = _Dense.of(trained.input_projection)
        self._query = _Dense(folded.query, folded.query_bias)
        self._pooler = _Dense(folded.pooler, folded.pooler_bias)
        self._classifier = _Dense.of(trained.classifier)

    def __call__(self, hidden: tf.Tensor) -> tf.Tensor:
        narrow = tf.tanh(self._narrow(hidden))  # (tokens, branch)
        query = tf.reshape(self._query(narrow[:1]), [self._heads, -1])  # (heads, branch)
        weights = tf.nn.softmax(tf.matmul(query, narrow, transpose_b=True))  # (heads, tokens)
        pooled = tf.reshape(tf.matmul(weights, narrow), [1, -1])  # (1, heads * branch)
        return tf.nn.softmax(self._classifier(tf.tanh(self._pooler(pooled))))


class _Dense:
    """A product with a constant (inputs, units), and a bias."""

    def __init__(self, kernel: np.ndarray, bias: np.ndarray) -> None:
        self._kernel, self._bias = kernel.astype(np.float32), bias.astype(np.float32)

    @classmethod
    def of(cls, trained: Any) -> _Dense:
        return cls(_numbers(trained.kernel), _numbers(trained.bias))

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        return tf.matmul(x, tf.constant(self._kernel)) + tf.constant(self._bias)


class _Norm:
    """Layer normalisation over the last axis."""

    def __init__(self, trained: Any) -> None:
        self._gamma, self._beta, self._epsilon = _numbers(trained.gamma), _numbers(trained.beta), trained.epsilon

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        centred = x - tf.reduce_mean(x, axis=-1, keepdims=True)  # (tokens, hidden)
        variance = tf.reduce_mean(centred * centred, axis=-1, keepdims=True)
        return centred * tf.math.rsqrt(variance + self._epsilon) * tf.constant(self._gamma) + tf.constant(self._beta)


def _numbers(weight: Any) -> np.ndarray:
    return ops.convert_to_numpy(weight).astype(np.float32)
