"""Keras models: the BERT backbone, with branches, with a masked-LM head, and a teacher beside its student."""

from fastbert_tf.models.backbone import Backbone
from fastbert_tf.models.dual_masked_lm import DualMaskedLm
from fastbert_tf.models.fastbert import FastBert
from fastbert_tf.models.masked_lm import MaskedLm
from fastbert_tf.models.shared_projections import SharedProjections
from fastbert_tf.models.student_config import checked_layer_map, student_config

__all__ = [
    "Backbone",
    "DualMaskedLm",
    "FastBert",
    "MaskedLm",
    "SharedProjections",
    "checked_layer_map",
    "student_config",
]
