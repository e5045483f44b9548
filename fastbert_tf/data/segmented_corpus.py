"""A corpus as rows of pieces, by one vocabulary or several, cut once for all epochs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from fastbert_tf.data.corpus import CorpusBlock, PathLike, corpus_blocks, corpus_bytes, corpus_files
from fastbert_tf.data.row_cutting import cut_rows
from fastbert_tokenizers import JointVocabulary, Vocabulary, WordPieceTokenizer, normalize, split_words

_MEGABYTE = 1e6
_MAX_UNKNOWN = 0.05  # of the words, by any vocabulary; more is a corpus in another script
_SPECIAL_TOKENS = 2  # [CLS] and [SEP] of every row
_MAX_NAMED = 10


class SegmentedCorpus:
    """Paragraphs cut into rows, each segmented by every vocabulary; two bytes a piece, in memory.

    A paragraph that is too long is cut between words into rows of about the same length, so that each fits whatever
    vocabulary segments its words. A word that alone exceeds a row is left out.

    Args:
        paths: UTF-8 files, plain or gzip (.gz), one paragraph a line.
        vocabularies: one vocabulary or several, for example the teacher's and the student's.
        lower_case: whether to lower-case and strip accents; must suit the vocabularies.
        max_sequence_length: most tokens of a row, `[CLS]` and `[SEP]` counted, at least 3.
        progress: whether to show a progress bar.

    Attributes:
        vocabulary: the vocabularies in one space of ids.
        lower_case: whether texts were lower-cased.
        max_sequence_length: most tokens of a row.
        pieces: for each vocabulary its ids, rows after rows, in its own ids.
        starts: int64 (vocabularies, rows), where each row begins in `pieces`.
        ends: int64 (vocabularies, rows), where it ends.
        lengths: int32 (rows,), tokens of each row in its longest segmentation, special tokens counted.

    Raises:
        ValueError: the corpus holds no text, a file is unreadable, binary or not UTF-8, or a vocabulary cannot spell
            more than 5 % of the words; the last as soon as a block of 4 MB shows it.
    """

    def __init__(
        self,
        paths: PathLike | Sequence[PathLike],
        vocabularies: Sequence[Vocabulary],
        lower_case: bool = True,
        max_sequence_length: int = 128,
        progress: bool = False,
    ) -> None:
        if not isinstance(max_sequence_length, int) or max_sequence_length <= _SPECIAL_TOKENS:
            raise ValueError(
                f"max_sequence_length must be an integer of at least {_SPECIAL_TOKENS + 1} ([CLS] a [SEP]), "
                f"but is {max_sequence_length!r}"
            )
        self.vocabulary = JointVocabulary(*vocabularies)
        self.lower_case = lower_case
        self.max_sequence_length = max_sequence_length
        self._words, self._unknown = 0, np.zeros(len(vocabularies), np.int64)
        segment = _segmenter(vocabularies, lower_case)
        files = corpus_files(paths)
        bar = keras.utils.Progbar(round(corpus_bytes(files) / _MEGABYTE, 1), unit_name="MB") if progress else None
        parts = []
        for block in corpus_blocks(files):
            parts.append(self._cut(block, segment))
            if bar is not None:
                bar.update(round(block.position / _MEGABYTE, 1))
        self._join(parts)

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def tokens(self) -> np.ndarray:
        """Int64 (vocabularies,): tokens of all rows by each vocabulary, special tokens counted."""
        return (self.ends - self.starts + _SPECIAL_TOKENS).sum(axis=1)

    @property
    def unknown_rates(self) -> np.ndarray:
        """Float64 (vocabularies,): share of the words that each vocabulary cannot spell."""
        return self._unknown / self._words

    def _cut(self, block: CorpusBlock, segment: Callable) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
        """One block as pieces by each vocabulary, and the starts and ends of its rows, (vocabularies, rows)."""
        paragraphs = tf.constant(block.paragraphs(), tf.string)
        pieces, word_starts, paragraph_of_word = [], [], np.zeros(0, np.int64)
        for part, (ragged, vocabulary) in enumerate(
            zip(segment(paragraphs), self.vocabulary.vocabularies, strict=True)
        ):
            flat = ragged.flat_values.numpy()
            starts = np.flatnonzero(self.vocabulary.starts_word[self.vocabulary.offsets[part] :][flat])
            paragraph_of_word = ragged.value_rowids().numpy()[starts]
            self._unknown[part] += np.count_nonzero(flat == vocabulary.unknown_id)
            pieces.append(flat.astype(np.min_scalar_type(len(vocabulary) - 1)))
            word_starts.append(np.append(starts, len(flat)))
        bounds = np.stack(word_starts)  # (vocabularies, words + 1)
        self._words += bounds.shape[1] - 1
        self._require_spelling(paragraphs)
        longest = np.diff(bounds, axis=1).max(axis=0)  # (words,), pieces of each word at most
        first, last = cut_rows(longest, paragraph_of_word, self.max_sequence_length - _SPECIAL_TOKENS)
        return pieces, bounds[:, first], bounds[:, last]

    def _join(self, parts: list[tuple[list[np.ndarray], np.ndarray, np.ndarray]]) -> None:
        """Puts the blocks behind each other."""
        sizes = np.array([[len(pieces) for pieces in part[0]] for part in parts])  # (blocks, vocabularies)
        shifts = np.cumsum(sizes, axis=0) - sizes
        self.pieces = [np.concatenate(column) for column in zip(*(part[0] for part in parts), strict=True)]
        self.starts = np.concatenate([part[1] + shift[:, None] for part, shift in zip(parts, shifts, strict=True)], 1)
        self.ends = np.concatenate([part[2] + shift[:, None] for part, shift in zip(parts, shifts, strict=True)], 1)
        if not self.starts.size:
            raise ValueError("the corpus holds no word that fits in a row; raise max_sequence_length")
        self.lengths = ((self.ends - self.starts).max(axis=0) + _SPECIAL_TOKENS).astype(np.int32)

    def _require_spelling(self, paragraphs: tf.Tensor) -> None:
        """Raises as soon as a vocabulary does not suit the corpus, with the characters that it lacks."""
        for part, vocabulary in enumerate(self.vocabulary.vocabularies):
            if self._unknown[part] > _MAX_UNKNOWN * self._words:
                characters: Counter[str] = Counter()
                for word in split_words(paragraphs, self.lower_case).flat_values.numpy():
                    characters.update(letter for letter in word.decode() if letter not in vocabulary)
                named = " ".join(character for character, _ in characters.most_common(_MAX_NAMED))
                raise ValueError(
                    f"vocabulary {part} ({len(vocabulary):,} tokens) cannot spell "
                    f"{self._unknown[part] / self._words:.1%} of the corpus' words, at most {_MAX_UNKNOWN:.0%} may be; "
                    f"it lacks {named or 'the insides of words'}: learn one from this corpus, or look at its case"
                )


def _segmenter(vocabularies: Sequence[Vocabulary], lower_case: bool) -> Callable[[tf.Tensor], list[tf.RaggedTensor]]:
    """A graph from paragraphs (batch,) to the pieces by each vocabulary, each (batch, ragged)."""
    tokenizers = [WordPieceTokenizer(vocabulary, lower_case) for vocabulary in vocabularies]

    def segment(text: tf.Tensor) -> list[tf.RaggedTensor]:
        normalized = normalize(text, lower_case)
        return [tokenizer.tokenize_normalized(normalized) for tokenizer in tokenizers]

    return tf.function(segment, input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
