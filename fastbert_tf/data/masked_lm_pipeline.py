"""Batches for masked-language-model training with one vocabulary."""

from __future__ import annotations

import tensorflow as tf

from fastbert_tf.data.masking import Masking, MaskingConfig
from fastbert_tf.data.row_pipeline import Batch, RowPipeline
from fastbert_tf.data.segmented_corpus import SegmentedCorpus
from fastbert_tokenizers import JointVocabulary


class MaskedLmPipeline(RowPipeline):
    """Serves corrupted rows of one vocabulary: `SIDE_ids`, `SIDE_mask` and `SIDE_labels`.

    Each is int32 (batch, sequence): the corrupted ids in `[CLS]` and `[SEP]`, 1 on tokens and 0 on padding, and the
    original id at predicted places, -1 elsewhere. Of a corpus in several segmentations one is served; its student's
    batches then equal those of a `DualPipeline` with the same seed, places and all.

    Args:
        corpus: the rows.
        batch_size: rows a batch, at least 1.
        masking: rates of the corruption.
        side: how the tensors are called.
        part: which vocabulary of the corpus; None is the last, the student's of two.
        pad_to_multiple_of: lengths are rounded up to a multiple of this (`RowPipeline`).

    Raises:
        ValueError: an argument is out of range.
    """

    def __init__(
        self,
        corpus: SegmentedCorpus,
        batch_size: int = 32,
        masking: MaskingConfig | None = None,
        side: str = "student",
        part: int | None = None,
        pad_to_multiple_of: int = 8,
    ) -> None:
        super().__init__(corpus, batch_size, pad_to_multiple_of)
        vocabularies = corpus.vocabulary.vocabularies
        self.part = len(vocabularies) - 1 if part is None else part
        if not 0 <= self.part < len(vocabularies):
            raise ValueError(f"part must lie in [0, {len(vocabularies)}), the corpus' vocabularies, but is {part}")
        self.side = side
        self.masking = masking or MaskingConfig()
        self._mask = Masking(JointVocabulary(vocabularies[self.part]), self.masking)

    def _make(self, rows: tf.Tensor, seed: tf.Tensor) -> Batch:
        pieces = self._rows_of(self.part, rows)
        return self._side(self.side, self.corpus.vocabulary.vocabularies[self.part], *self._mask(pieces, seed, rows))
