"""FastBERT in TensorFlow: BERT classifiers that answer easy inputs early and say what speed costs in accuracy."""

__version__ = "0.1.0"
