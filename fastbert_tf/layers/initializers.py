"""BERT's weight initialisation."""

import keras

_BERT_STDDEV = 0.02
_BERT_WIDTH = 768


def bert_initializer(width: int) -> keras.initializers.Initializer:
    """Returns a truncated normal initialiser; each call draws a fresh seed.

    BERT's 0.02 belongs to its width of 768 (Devlin et al., 2019). Narrower layers need larger weights for signals of
    the same size: with 0.02, a 96-wide encoder does not learn at all.

    Args:
        width: units of the layer's input.
    """
    return keras.initializers.TruncatedNormal(stddev=_BERT_STDDEV * (_BERT_WIDTH / width) ** 0.5)
