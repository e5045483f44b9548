"""Layer normalisation that makes codes."""

from __future__ import annotations

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from fastbert_tf.inference.packed.int8_coding import Coding, codes

_OP = "_MklLayerNorm"  # oneDNN's, as one op with any epsilon; the graph optimizer's own fusion has one epsilon only


class Hidden(NamedTuple):
    """Hidden states, for the two that read them."""

    codes: tf.Tensor
    """uint8 (tokens, hidden), for the product after them."""
    shifted: tf.Tensor
    """float32 (tokens, hidden), `x / step + shift` of their coding, for the residual."""


class CodedNorm:
    """Layer normalisation whose scale and offset bring the result to where codes are. It is called in a graph only.

    Args:
        trained: the layer whose weights are copied.
        unit: what 1 in the input stands for; the input's mean does not matter.
        coding: of the output; one step for all channels.
    """

    def __init__(self, trained: keras.layers.LayerNormalization, unit: float, coding: Coding) -> None:
        self._gamma = (np.asarray(trained.gamma) / coding.step).astype(np.float32)
        self._beta = (np.asarray(trained.beta) / coding.step + coding.shift).astype(np.float32)
        self._epsilon = trained.epsilon / unit**2

    def __call__(self, x: tf.Tensor) -> Hidden:
        """Normalises float32 (tokens, hidden)."""
        op = tf.compat.v1.get_default_graph().create_op(
            _OP,
            [x, tf.constant(self._gamma), tf.constant(self._beta)],
            [tf.float32],
            name="int8_norm",
            attrs={
                "T": tf.compat.v1.AttrValue(type=tf.float32.as_datatype_enum),
                "epsilon": tf.compat.v1.AttrValue(f=self._epsilon),
            },
        )
        shifted = tf.ensure_shape(op.outputs[0], x.shape)
        return Hidden(codes(shifted), shifted)
