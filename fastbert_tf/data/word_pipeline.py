"""Batches for word distillation: teacher and student read the same words, each cut by its own vocabulary."""

from __future__ import annotations

import tensorflow as tf

from fastbert_tf.data.row_pipeline import Batch, RowPipeline
from fastbert_tf.data.segmented_corpus import SegmentedCorpus
from fastbert_tokenizers import WordExtents

_FIRST_WORD = 2  # after padding (0) and [CLS] (1)


class WordPipeline(RowPipeline):
    """Serves each row twice, and says which pieces are which word.

    `teacher_ids` and `student_ids` hold the same words by the teacher's vocabulary and by the student's, nothing
    corrupted. `teacher_words` and `student_words` number the words of each piece alike in both: 0 is padding, 1 is
    `[CLS]`, the words follow, then `[SEP]`. All are int32 (batch, sequence), with a length for each of the two.
    `word_mask`, int32 (batch, words), is 1 for each of the words, `[CLS]` and `[SEP]` counted, and 0 behind them.

    Args:
        corpus: the rows, segmented by the teacher's vocabulary and the student's, in this order.
        batch_size: rows a batch, at least 1.
        pad_to_multiple_of: lengths are rounded up to a multiple of this (`RowPipeline`).

    Raises:
        ValueError: an argument is out of range, or the corpus has not two vocabularies.
    """

    def __init__(self, corpus: SegmentedCorpus, batch_size: int = 32, pad_to_multiple_of: int = 8) -> None:
        super().__init__(corpus, batch_size, pad_to_multiple_of)
        if len(corpus.vocabulary.vocabularies) != 2:
            raise ValueError(
                "word distillation needs a corpus segmented by two vocabularies, the teacher's and the student's, but "
                f"it has {len(corpus.vocabulary.vocabularies)}; pass both to SegmentedCorpus"
            )

    def _make(self, rows: tf.Tensor, seed: tf.Tensor) -> Batch:
        teacher, real = self._numbered("teacher", 0, rows)
        student, _ = self._numbered("student", 1, rows)
        return {**teacher, **student, "word_mask": tf.sequence_mask(real, self._width(real), dtype=tf.int32)}

    def _numbered(self, side: str, part: int, rows: tf.Tensor) -> tuple[Batch, tf.Tensor]:
        """One of the two sequences, and how many words each row has, special tokens counted, int32 (batch,)."""
        joint = self.corpus.vocabulary
        vocabulary, pieces = joint.vocabularies[part], self._rows_of(part, rows)
        words = WordExtents.of(pieces, joint.starts_word[joint.offsets[part] : joint.offsets[part + 1]])
        numbers = tf.repeat(tf.cast(words.numbers, tf.int32) + _FIRST_WORD, words.ends - words.starts)  # (pieces,)
        ones = tf.ones_like(words.rows, tf.int32)
        last = tf.math.unsorted_segment_sum(ones, words.rows, tf.size(rows)) + _FIRST_WORD  # (batch,), of [SEP]
        batch = {
            f"{side}_ids": self._framed(pieces, vocabulary.start_id, vocabulary.end_id, vocabulary.padding_id),
            f"{side}_words": self._framed(pieces.with_flat_values(numbers), 1, last, 0),
        }
        return batch, last
