"""The packed stack: dense layers over the batch's real tokens alone, without padding."""

from fastbert_tf.inference.packed.float_stack import PRECISIONS, FloatStack
from fastbert_tf.inference.packed.int8_check import Int8Unavailable, check_int8
from fastbert_tf.inference.packed.int8_sample import sample_activations
from fastbert_tf.inference.packed.int8_stack import Int8Stack
from fastbert_tf.inference.packed.layout import TOKEN_COUNTS

__all__ = [
    "PRECISIONS",
    "TOKEN_COUNTS",
    "FloatStack",
    "Int8Stack",
    "Int8Unavailable",
    "check_int8",
    "sample_activations",
]
