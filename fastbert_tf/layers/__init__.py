"""Keras layers of BERT, its heads and its compression, written with `keras.ops` alone."""

from fastbert_tf.layers.attention import MultiHeadAttention
from fastbert_tf.layers.branch_classifier import BranchClassifier
from fastbert_tf.layers.embeddings import BertEmbeddings
from fastbert_tf.layers.encoder_block import EncoderBlock
from fastbert_tf.layers.lift import Lift
from fastbert_tf.layers.masked_lm_transform import MaskedLmTransform
from fastbert_tf.layers.shared_projection import SharedProjection
from fastbert_tf.layers.tied_logits import TiedLogits

__all__ = [
    "BertEmbeddings",
    "BranchClassifier",
    "EncoderBlock",
    "Lift",
    "MaskedLmTransform",
    "MultiHeadAttention",
    "SharedProjection",
    "TiedLogits",
]
