"""Weights of trained attention, folded together where the numbers stay the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from fastbert_tf.layers import BranchClassifier, MultiHeadAttention


@dataclass(frozen=True)
class FusedAttention:
    """Float64 weights of an attention with one product for queries, keys and values."""

    kernel: np.ndarray
    """(hidden, 3 * hidden): queries, keys, values."""
    bias: np.ndarray
    """(3 * hidden,)."""
    output_kernel: np.ndarray
    """(hidden, hidden)."""
    output_bias: np.ndarray
    """(hidden,)."""


@dataclass(frozen=True)
class FoldedBranch:
    """Float64 weights of a branch's attention and pooler around the narrow hidden states.

    A score is `first @ query + query_bias` times a narrow token: the key projection is folded into the query. Value,
    output and pooler projections, all linear, are one product of the pooled tokens, as a head's weights sum to 1.
    """

    query: np.ndarray
    """(branch, heads * branch)."""
    query_bias: np.ndarray
    """(heads * branch,)."""
    pooler: np.ndarray
    """(heads * branch, branch)."""
    pooler_bias: np.ndarray
    """(branch,)."""


def fused_attention(trained: MultiHeadAttention) -> FusedAttention:
    """Joins the query, key and value projections.

    The key's bias adds the same number to all scores of a query, which the softmax takes out again; the value's bias
    passes through the weights, which sum to 1, into the output's bias.

    Args:
        trained: the layer whose weights are copied.

    Returns:
        The weights.
    """
    (query, query_bias), (key, _), (value, value_bias), (output, output_bias) = _projections(trained)
    return FusedAttention(
        kernel=np.concatenate([query, key, value], axis=1),
        bias=np.concatenate([query_bias, np.zeros(2 * trained.hidden_dim)]),
        output_kernel=output,
        output_bias=output_bias + value_bias @ output,
    )


def folded_branch(trained: BranchClassifier) -> FoldedBranch:
    """Folds everything linear between the narrow hidden states and the pooler's tanh.

    Args:
        trained: the layer whose weights are copied.

    Returns:
        The weights.
    """
    attention, branch = trained.attention, trained.branch_dim
    (query, query_bias), (key, _), (value, value_bias), (output, output_bias) = _projections(attention)
    pooler, pooler_bias = _dense(trained.pooler)
    shape = (branch, attention.num_heads, attention.head_dim)
    query, key, value = (kernel.reshape(shape) for kernel in (query, key, value))
    query_bias = query_bias.reshape(shape[1:])
    scale = attention.head_dim**-0.5
    after = (output @ pooler).reshape(*shape[1:], branch)  # (heads, head_dim, branch)
    return FoldedBranch(
        query=scale * np.einsum("ihd,ohd->iho", query, key).reshape(branch, -1),
        query_bias=scale * np.einsum("hd,ohd->ho", query_bias, key).reshape(-1),
        pooler=np.einsum("ihd,hdo->hio", value, after).reshape(-1, branch),
        pooler_bias=(value_bias @ output + output_bias) @ pooler + pooler_bias,
    )


def _projections(attention: MultiHeadAttention) -> list[tuple[np.ndarray, np.ndarray]]:
    layers = (attention.query, attention.key, attention.value, attention.output_projection)
    return [_dense(layer) for layer in layers]


def _dense(layer: keras.layers.Dense) -> tuple[np.ndarray, np.ndarray]:
    return _float64(layer.kernel), _float64(layer.bias)


def _float64(weight: Any) -> np.ndarray:
    return ops.convert_to_numpy(weight).astype(np.float64)
