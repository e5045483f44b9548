"""Adaptive inference: the exit loop, its policies, and the stacks it drives."""

from fastbert_tf.inference.exit_loop import ExitLoop
from fastbert_tf.inference.exit_schedule import ExitSchedule
from fastbert_tf.inference.full_depth import FullDepth
from fastbert_tf.inference.keras_stack import KerasStack
from fastbert_tf.inference.packed import (
    TOKEN_COUNTS,
    FloatStack,
    Int8Stack,
    Int8Unavailable,
    check_int8,
    sample_activations,
)
from fastbert_tf.inference.policy import ExitPolicy, NormalizedEntropy
from fastbert_tf.inference.simulation import simulate
from fastbert_tf.inference.single_row_stack import SingleRowStack
from fastbert_tf.inference.stack import SavableStack, Stack
from fastbert_tf.inference.uncertainty import normalized_entropy

__all__ = [
    "TOKEN_COUNTS",
    "ExitLoop",
    "ExitPolicy",
    "ExitSchedule",
    "FloatStack",
    "FullDepth",
    "Int8Stack",
    "Int8Unavailable",
    "KerasStack",
    "NormalizedEntropy",
    "SavableStack",
    "SingleRowStack",
    "Stack",
    "check_int8",
    "normalized_entropy",
    "sample_activations",
    "simulate",
]
