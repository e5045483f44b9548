"""The packed stack: dense layers over the batch's real tokens alone, without padding."""

from fastbert_tf.inference.packed.packed_stack import PRECISIONS, PackedStack

__all__ = ["PRECISIONS", "PackedStack"]
