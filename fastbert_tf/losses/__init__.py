"""Losses of the training stages, written with `keras.ops` alone."""

from fastbert_tf.losses.masked_cross_entropy import MaskedCrossEntropy
from fastbert_tf.losses.soft_target_divergence import SoftTargetDivergence
from fastbert_tf.losses.unexplained_variance import unexplained_variance

__all__ = ["MaskedCrossEntropy", "SoftTargetDivergence", "unexplained_variance"]
