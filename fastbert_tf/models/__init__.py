"""Keras models: the BERT backbone, and the backbone with its branches."""

from fastbert_tf.models.backbone import Backbone
from fastbert_tf.models.fastbert import FastBert

__all__ = ["Backbone", "FastBert"]
