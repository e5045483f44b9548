"""The packed stack in floating-point arithmetic."""

from __future__ import annotations

import tensorflow as tf

from fastbert_tf.inference.packed.block import float_block
from fastbert_tf.inference.packed.branch import float_branch
from fastbert_tf.inference.packed.embeddings import Embeddings
from fastbert_tf.inference.packed.layer_norm import fused_unit
from fastbert_tf.inference.packed.lines import OwnLines, SharedLines
from fastbert_tf.inference.packed.packed_stack import PackedStack
from fastbert_tf.models import FastBert

PRECISIONS = {"float32": tf.float32, "bfloat16": tf.bfloat16}
"""Types of weights and products by name."""


class FloatStack(PackedStack):
    """Runs a `FastBert` over packed rows in float32 or bfloat16.

    Tables and large float32 kernels are variables, other weights are constants. Hidden states are in the unit of
    `fused_unit`.

    Args:
        model: the trained model; its weights are copied.
        precision: a name in `PRECISIONS`.

    Raises:
        ValueError: the precision is unknown.
    """

    def __init__(self, model: FastBert, precision: str = "float32") -> None:
        if precision not in PRECISIONS:
            raise ValueError(f"precision must be one of {sorted(PRECISIONS)}, but is {precision!r}")
        dtype, shape = PRECISIONS[precision], model.config.backbone
        unit = fused_unit(shape.layer_norm_epsilon)
        super().__init__(
            model,
            lines=(SharedLines if dtype == tf.float32 else OwnLines)(shape.num_heads),
            hidden=tf.TensorSpec([None, shape.hidden_dim], dtype),
            embeddings=Embeddings(model.backbone.embeddings, dtype, unit),
            blocks=[float_block(block, dtype, unit) for block in model.backbone.blocks],
            branches=[float_branch(branch, dtype, unit) for branch in model.branches],
        )
