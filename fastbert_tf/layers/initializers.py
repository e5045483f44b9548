"""BERT's weight initialisation."""

import keras

_BERT_STDDEV = 0.02
_BERT_WIDTH = 768


def bert_initializer(width: int) -> keras.initializers.Initializer:
    """Returns a truncated normal initialiser; each call draws a fresh seed.

    BERT's 0.02 belongs to its width of 768 (Devlin et al., 2019); narrower layers need larger weights for signals of
    the same size, so the standard deviation is that times sqrt(768 / width).

    Args:
        width: units of the hidden states.
    """
    return keras.initializers.TruncatedNormal(stddev=_BERT_STDDEV * (_BERT_WIDTH / width) ** 0.5)
