"""Batches for dual training: the teacher reads a mixture of two vocabularies, the student its own."""

from __future__ import annotations

import tensorflow as tf

from fastbert_tf.data.masking import Masking, MaskingConfig
from fastbert_tf.data.row_pipeline import Batch, RowPipeline
from fastbert_tf.data.segmented_corpus import SegmentedCorpus
from fastbert_tokenizers import JointVocabulary, mix_words, require_probability


class DualPipeline(RowPipeline):
    """Serves each row twice ("Extreme Language Model Compression", section 3.2).

    `teacher_ids` holds words by the teacher's vocabulary, ids from 0, and words by the student's, ids shifted by the
    size of the teacher's; `student_ids` the same words, all by the student's vocabulary. Both are corrupted for
    masked-language modelling; the same words (with `MaskingConfig.whole_words`) are predicted in both. `*_mask` is 1
    on tokens and 0 on padding, `*_labels` the original id at predicted places, in the ids of its sequence, -1
    elsewhere. Special tokens of the teacher's sequence are the teacher's, also where a word of the student's is
    masked. All are int32 (batch, sequence), with a length for each of the two.

    Args:
        corpus: the rows, segmented by the teacher's vocabulary and the student's, in this order.
        probability: how likely a word of the teacher's sequence is segmented by the student's vocabulary (p_DT).
        batch_size: rows a batch, at least 1.
        masking: rates of the corruption.
        pad_to_multiple_of: lengths are rounded up to a multiple of this (`RowPipeline`).

    Raises:
        ValueError: an argument is out of range, or the corpus has not two vocabularies.
    """

    def __init__(
        self,
        corpus: SegmentedCorpus,
        probability: float = 0.5,
        batch_size: int = 32,
        masking: MaskingConfig | None = None,
        pad_to_multiple_of: int = 8,
    ) -> None:
        super().__init__(corpus, batch_size, pad_to_multiple_of)
        vocabularies = corpus.vocabulary.vocabularies
        if len(vocabularies) != 2:
            raise ValueError(
                f"dual batches need a corpus segmented by two vocabularies, the teacher's and the student's, but it "
                f"has {len(vocabularies)}; pass both to SegmentedCorpus"
            )
        self.probability = require_probability(probability)
        self.masking = masking or MaskingConfig()
        self._teacher, self._student = vocabularies
        self._mask_mixed = Masking(corpus.vocabulary, self.masking)
        self._mask_student = Masking(JointVocabulary(self._student), self.masking)

    def _make(self, rows: tf.Tensor, seed: tf.Tensor) -> Batch:
        teacher, student = self._rows_of(0, rows), self._rows_of(1, rows)
        mixed = mix_words(teacher, student, self.corpus.vocabulary, self.probability, seed, rows)
        return {
            **self._side("teacher", self._teacher, *self._mask_mixed(mixed, seed, rows)),
            **self._side("student", self._student, *self._mask_student(student, seed, rows)),
        }
