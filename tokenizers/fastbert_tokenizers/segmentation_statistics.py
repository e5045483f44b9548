"""How finely a vocabulary cuts words, and how many it cannot spell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from fastbert_tokenizers.vocabulary import Vocabulary
from fastbert_tokenizers.wordpiece_tokenizer import WordPieceTokenizer

_WORDS_AT_A_TIME = 1 << 16


@dataclass(frozen=True)
class SegmentationStatistics:
    """What a vocabulary makes of counted words; frequent words weigh more.

    Attributes:
      words: how many words there are.
      pieces: how many pieces they are cut into, `[UNK]` for a word that cannot be spelled.
      unknown: how many words cannot be spelled.
    """

    words: int
    pieces: int
    unknown: int

    @property
    def pieces_per_word(self) -> float:
        """Mean pieces of a word, at least 1."""
        return self.pieces / self.words

    @property
    def unknown_rate(self) -> float:
        """Share of the words that cannot be spelled, in [0, 1]."""
        return self.unknown / self.words


def segmentation_statistics(vocabulary: Vocabulary, word_counts: Mapping[str, int]) -> SegmentationStatistics:
    """Segments counted words.

    Args:
      vocabulary: the tokens.
      word_counts: how often each normalised word occurs (`WordCounter`); at least one word.

    Raises:
      ValueError: there are no words.
      VocabularyError: TensorFlow Text cannot use the vocabulary.
    """
    if not word_counts:
        raise ValueError("there are no words to segment; count those of a text that holds some")
    tokenizer = WordPieceTokenizer(vocabulary)
    words, counts = list(word_counts), np.array(list(word_counts.values()), np.int64)
    pieces = unknown = 0
    for start in range(0, len(words), _WORDS_AT_A_TIME):
        part = slice(start, start + _WORDS_AT_A_TIME)
        rows = tokenizer.tokenize_normalized(tf.constant(words[part]))  # (words, ragged)
        is_unknown = (rows == vocabulary.unknown_id).values.numpy()
        pieces += int(counts[part] @ rows.row_lengths().numpy())
        unknown += int(counts[part][rows.value_rowids().numpy()[is_unknown]].sum())
    return SegmentationStatistics(int(counts.sum()), pieces, unknown)
