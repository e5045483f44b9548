"""Keras layers of BERT and its branch classifiers, written with `keras.ops` alone."""

from fastbert_tf.layers.attention import MultiHeadAttention
from fastbert_tf.layers.branch_classifier import BranchClassifier
from fastbert_tf.layers.embeddings import BertEmbeddings
from fastbert_tf.layers.encoder_block import EncoderBlock

__all__ = ["BertEmbeddings", "BranchClassifier", "EncoderBlock", "MultiHeadAttention"]
