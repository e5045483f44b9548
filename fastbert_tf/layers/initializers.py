"""BERT's weight initialisation."""

import keras


def bert_initializer(stddev: float = 0.02) -> keras.initializers.Initializer:
    """Returns a truncated normal initialiser (Devlin et al., 2019, appendix A.2); each call draws a fresh seed."""
    return keras.initializers.TruncatedNormal(stddev=stddev)
