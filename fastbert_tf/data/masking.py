"""Masked-language-model corruption of rows of pieces (BERT, section 3.1), of one vocabulary or of a mixture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from fastbert_tf.config import Config
from fastbert_tokenizers import JointVocabulary, WordExtents, keyed_uniform

NOT_PREDICTED = -1
_SELECTION, _ACTION, _REPLACEMENT = 1, 2, 3  # what is drawn; 0 is the vocabulary of a word


@dataclass(frozen=True)
class MaskingConfig(Config):
    """How pieces are chosen for prediction, and what the model sees in their place."""

    rate: float = 0.15
    """Share of the words, or pieces, to predict, in (0, 1)."""
    mask_share: float = 0.8
    """Share of the predicted pieces that become `[MASK]`."""
    random_share: float = 0.1
    """Share of them that become another piece of their own vocabulary; what is left stays as it is."""
    whole_words: bool = True
    """Whether all pieces of a word are predicted together, as the paper's "words"; False draws each piece, as BERT."""

    def __post_init__(self) -> None:
        if not 0 < self.rate < 1:
            raise ValueError(f"rate must be in (0, 1), but is {self.rate}; BERT predicts 0.15")
        if min(self.mask_share, self.random_share) < 0 or self.mask_share + self.random_share > 1:
            raise ValueError(
                "mask_share and random_share must be at least 0 and at most 1 together, but are "
                f"{self.mask_share} and {self.random_share}; BERT takes 0.8 and 0.1"
            )


class Masking:
    """Corrupts rows of pieces and says what stood there.

    All draws depend on the seed, the number of the row, of the word in it and of the piece in that alone. So a
    sentence in two segmentations has the same words masked in both, and no row depends on its neighbours. `[UNK]` is
    never predicted: there is nothing to learn from it.

    Args:
        vocabulary: the vocabularies of the pieces; `[MASK]` is the first one's.
        config: rates.
    """

    def __init__(self, vocabulary: JointVocabulary, config: MaskingConfig) -> None:
        self.vocabulary = vocabulary
        self.config = config
        offsets = vocabulary.offsets
        ordinary = np.flatnonzero(vocabulary.is_ordinary)
        self._ordinary = ordinary.astype(np.int32)  # (ordinary pieces,), vocabulary after vocabulary
        self._bounds = np.searchsorted(ordinary, offsets)  # where each vocabulary's begin, and the end
        self._mask_id = np.int32(vocabulary.vocabularies[0].mask_id)

    def __call__(
        self, pieces: tf.RaggedTensor, seed: int | tf.Tensor, rows: tf.Tensor
    ) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
        """Corrupts.

        Args:
            pieces: int32 (batch, ragged), ids of the vocabulary; no special tokens.
            seed: seed of all draws; another one each epoch.
            rows: int (batch,), the number of each row in its corpus.

        Returns:
            `(corrupted, labels)`, each int32 (batch, ragged): what the model sees, and the original piece where it is
            to be predicted, -1 elsewhere.
        """
        ids = pieces.flat_values
        words = WordExtents.of(pieces, self.vocabulary.starts_word)
        of_piece = tf.cumsum(tf.cast(tf.gather(self.vocabulary.starts_word, ids), tf.int64)) - 1  # (pieces,)
        row = tf.gather(tf.cast(rows, tf.int64), tf.gather(words.rows, of_piece))
        place = tf.range(tf.size(ids, tf.int64)) - tf.gather(words.starts, of_piece)  # of the piece in its word
        number = tf.gather(words.numbers, of_piece)

        def draw(purpose: int, place: tf.Tensor | int) -> tf.Tensor:
            return keyed_uniform(seed, row, number, place, purpose)  # (pieces,)

        selected = draw(_SELECTION, 0 if self.config.whole_words else place) < self.config.rate
        selected &= tf.gather(self.vocabulary.is_ordinary, ids)
        action = draw(_ACTION, place)
        seen = tf.where(action < self.config.mask_share, self._mask_id, ids)
        is_random = (action >= self.config.mask_share) & (action < self.config.mask_share + self.config.random_share)
        seen = tf.where(is_random, self._replacements(ids, draw(_REPLACEMENT, place)), seen)
        corrupted = tf.where(selected, seen, ids)
        return pieces.with_flat_values(corrupted), pieces.with_flat_values(tf.where(selected, ids, NOT_PREDICTED))

    def _replacements(self, ids: tf.Tensor, drawn: tf.Tensor) -> tf.Tensor:
        """For each piece another of its own vocabulary, all equally likely; (pieces,)."""
        part = tf.searchsorted(np.array(self.vocabulary.offsets[1:], np.int32), ids, side="right")
        first, end = tf.gather(self._bounds, part), tf.gather(self._bounds, part + 1)
        place = first + tf.cast(drawn * tf.cast(end - first, tf.float32), first.dtype)
        return tf.gather(self._ordinary, place)
