"""Keras models: the BERT backbone, with branches, with a masked-LM head, beside its teacher, and word by word."""

from fastbert_tf.models.backbone import Backbone
from fastbert_tf.models.dual_masked_lm import DualMaskedLm
from fastbert_tf.models.fastbert import FastBert
from fastbert_tf.models.inherited_weights import inherit_weights, require_inheritable
from fastbert_tf.models.masked_lm import MaskedLm
from fastbert_tf.models.shared_projections import SharedProjections
from fastbert_tf.models.student_config import checked_layer_map, student_config
from fastbert_tf.models.word_encoder import WordEncoder

__all__ = [
    "Backbone",
    "DualMaskedLm",
    "FastBert",
    "MaskedLm",
    "SharedProjections",
    "WordEncoder",
    "checked_layer_map",
    "inherit_weights",
    "require_inheritable",
    "student_config",
]
