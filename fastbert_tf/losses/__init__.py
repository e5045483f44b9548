"""Losses of the training stages, written with `keras.ops` alone."""

from fastbert_tf.losses.masked_cross_entropy import MaskedCrossEntropy
from fastbert_tf.losses.soft_target_divergence import SoftTargetDivergence

__all__ = ["MaskedCrossEntropy", "SoftTargetDivergence"]
