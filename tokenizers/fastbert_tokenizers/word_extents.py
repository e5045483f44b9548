"""Where words begin and end in rows of pieces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf


@dataclass(frozen=True)
class WordExtents:
    """The words of rows of pieces, counted through the batch.

    Attributes:
      starts: int64 (words,), the flat position of each word's first piece.
      ends: int64 (words,), the flat position behind its last.
      rows: int64 (words,), the row of each word.
      numbers: int64 (words,), its number in the row, from 0.
    """

    starts: tf.Tensor
    ends: tf.Tensor
    rows: tf.Tensor
    numbers: tf.Tensor

    @classmethod
    def of(cls, pieces: tf.RaggedTensor, starts_word: np.ndarray | tf.Tensor) -> WordExtents:
        """Finds the words.

        Args:
          pieces: ids (batch, ragged), special tokens left out; every row that is not empty begins with a word.
          starts_word: bool (vocabulary,), whether a piece begins a word (`JointVocabulary.starts_word`).
        """
        flat = pieces.flat_values
        starts = tf.where(tf.gather(starts_word, flat))[:, 0]  # (words,)
        ends = tf.concat([starts[1:], tf.size(flat, tf.int64)[tf.newaxis]], axis=0)[: tf.size(starts)]
        rows = tf.gather(pieces.value_rowids(), starts)
        words_in_row = tf.math.unsorted_segment_sum(tf.ones_like(rows), rows, pieces.nrows())  # (batch,)
        before = tf.gather(tf.cumsum(words_in_row, exclusive=True), rows)
        return cls(starts, ends, rows, tf.range(tf.size(starts, tf.int64)) - before)
