"""Floating-point operations of a row, by the paper's definition and as our graph executes them.

Both count 2 operations a multiply-add of matrix products and nothing else; embeddings are look-ups, and the small
elementwise remainder (softmax, GELU, layer normalisation, biases) is left out. Never mix the two in one column.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fastbert_tf.config import FastBertConfig

Counts = npt.NDArray[np.int64]

PAPER_SEQUENCE_LENGTH = 128
"""Tokens that the paper pads every row to."""


def paper_breakdown(config: FastBertConfig, sequence_length: int = PAPER_SEQUENCE_LENGTH) -> dict[str, int]:
    """Counts the parts of one layer and one branch by the paper's definition (FastBERT, table 1).

    Linear layers at the padded length; attention products and the output to classes are left out, and the branch's
    last hidden layer is counted for one token, as in the numbers of tables 2 and 3.

    Args:
        config: the model's shape.
        sequence_length: padded length, in tokens.

    Returns:
        FLOPs of `self_attention` and `feed_forward` (the layer), `branch_input`, `branch_attention` and
        `branch_pooler` (the branch).

    Raises:
        ValueError: the length is below 1.
    """
    length = int(_checked_lengths(sequence_length))
    hidden, inner, branch = config.backbone.hidden_dim, config.backbone.intermediate_dim, config.branch_dim
    return {
        "self_attention": 2 * length * 4 * hidden * hidden,  # query, key, value, output
        "feed_forward": 2 * length * 2 * hidden * inner,
        "branch_input": 2 * length * hidden * branch,
        "branch_attention": 2 * length * 4 * branch * branch,
        "branch_pooler": 2 * branch * branch,
    }


def paper_flops(
    config: FastBertConfig,
    exit_layer: npt.ArrayLike | None = None,
    sequence_length: int = PAPER_SEQUENCE_LENGTH,
    exits: Sequence[int] | None = None,
) -> Counts:
    """Counts what a row has paid by the paper's definition.

    Args:
        config: the model's shape.
        exit_layer: layer at which the row left, 1 to the number of layers, one or an array; it has paid every layer
            and every branch up to it. None is plain BERT: all layers and the teacher alone.
        sequence_length: padded length, in tokens.
        exits: layers whose branch is on, rising; None for all.

    Returns:
        FLOPs a row, int64, shaped as `exit_layer`.

    Raises:
        ValueError: a layer does not exist, or the length is below 1.
    """
    parts = paper_breakdown(config, sequence_length)
    layer = parts["self_attention"] + parts["feed_forward"]
    branch = parts["branch_input"] + parts["branch_attention"] + parts["branch_pooler"]
    return _paid(config, np.asarray(layer, np.int64), np.asarray(branch, np.int64), exit_layer, exits)


def executed_flops(
    config: FastBertConfig,
    exit_layer: npt.ArrayLike | None = None,
    sequence_length: npt.ArrayLike = PAPER_SEQUENCE_LENGTH,
    exits: Sequence[int] | None = None,
    folded_branch: bool = True,
) -> Counts:
    """Counts the matrix products that our graph really computes for a row.

    Attention products and the output to classes are included. After a branch's attention only the first token goes
    on, so its query, output and the layers behind them are counted once. A row that left pays nothing more.

    Args:
        config: the model's shape.
        exit_layer: layer at which the row left, 1 to the number of layers; None is the full depth with the teacher
            alone, as `fastbert_tf.inference.FullDepth` runs it.
        sequence_length: tokens that were computed for the row: its real ones in the packed graph, which is served, the
            padded length of its batch in the trained Keras layers. It and `exit_layer` may be arrays; they broadcast.
            What the packed graph fills up is left out: lines of the attention, batches up to a round number of tokens.
        exits: layers whose branch is on, rising; None for all.
        folded_branch: as in `executed_breakdown`.

    Returns:
        FLOPs a row, int64.

    Raises:
        ValueError: a layer does not exist, or a length is below 1.
    """
    parts = executed_breakdown(config, sequence_length, folded_branch)
    layer = parts["attention_projections"] + parts["attention_products"] + parts["feed_forward"]
    return _paid(config, layer, parts["branch"], exit_layer, exits)


def executed_breakdown(
    config: FastBertConfig, sequence_length: npt.ArrayLike = PAPER_SEQUENCE_LENGTH, folded_branch: bool = True
) -> dict[str, Counts]:
    """Counts the parts of one layer and one branch, of which `executed_flops` is the sum.

    Args:
        config: the model's shape.
        sequence_length: tokens that were computed for the row, one length or an array.
        folded_branch: whether the branch's key, value and output projections are folded into those of the first token,
            as in the packed graph; they are not in the trained Keras layers.

    Returns:
        FLOPs of `attention_projections` (query, key, value, output), `attention_products` (query x key, weights x
        value) and `feed_forward` (the layer) and of `branch`, each int64, shaped as `sequence_length`.

    Raises:
        ValueError: a length is below 1.
    """
    length = _checked_lengths(sequence_length)
    hidden, inner, branch = config.backbone.hidden_dim, config.backbone.intermediate_dim, config.branch_dim
    if folded_branch:
        narrow = length * hidden * branch  # input projection
        first_token = 2 * config.branch_heads * (length + branch) * branch  # query, products, pooler: of every head
    else:
        narrow = length * (hidden * branch + 2 * branch * branch)  # input projection, keys, values
        first_token = 2 * length * branch + 3 * branch * branch
    return {
        "attention_projections": 2 * length * 4 * hidden * hidden,
        "attention_products": 2 * length * 2 * length * hidden,  # over all heads
        "feed_forward": 2 * length * 2 * hidden * inner,
        "branch": 2 * (narrow + first_token + branch * config.num_classes),
    }


def _paid(
    config: FastBertConfig,
    layer: Counts,
    branch: Counts,
    exit_layer: npt.ArrayLike | None,
    exits: Sequence[int] | None,
) -> Counts:
    num_layers = config.backbone.num_layers
    if exit_layer is None:
        return num_layers * layer + branch
    layers = np.asarray(exit_layer)
    if not np.issubdtype(layers.dtype, np.integer) or layers.size == 0 or layers.min() < 1 or layers.max() > num_layers:
        raise ValueError(
            f"exit_layer must hold integers from 1 to the model's {num_layers} layers, but is {exit_layer!r}; "
            "pass exit layers as the loop counts them, from 1"
        )
    branches = layers if exits is None else np.searchsorted(exits, layers, side="right")
    return layers.astype(np.int64) * layer + branches.astype(np.int64) * branch


def _checked_lengths(sequence_length: npt.ArrayLike) -> Counts:
    lengths = np.asarray(sequence_length)
    if not np.issubdtype(lengths.dtype, np.integer) or lengths.size == 0 or lengths.min() < 1:
        raise ValueError(
            f"sequence_length must hold integers of at least 1, but is {sequence_length!r}; pass lengths in tokens"
        )
    return lengths.astype(np.int64)
