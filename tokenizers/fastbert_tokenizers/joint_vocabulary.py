"""Several vocabularies in one space of ids, one behind the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastbert_tokenizers.vocabulary import UNKNOWN, Vocabulary
from fastbert_tokenizers.vocabulary_error import VocabularyError

JOINER = "##"


class JointVocabulary:
    """Vocabularies whose ids follow each other: those of each are shifted by the sizes of the ones before it.

    The special tokens of a sequence are those of the first vocabulary.

    Attributes:
      vocabularies: the vocabularies, in order.
      offsets: the first id of each, then the size of all together.
      starts_word: bool (size,), whether a piece begins a word.
      is_ordinary: bool (size,), whether a text can produce the piece: not `[PAD]`, `[UNK]`, `[unused1]`, ...
    """

    def __init__(self, *vocabularies: Vocabulary) -> None:
        """Lays out the ids.

        Args:
          *vocabularies: at least one.

        Raises:
          ValueError: there is none, or one is no `Vocabulary`.
          VocabularyError: one holds nothing but special tokens.
        """
        if not vocabularies or not all(isinstance(vocabulary, Vocabulary) for vocabulary in vocabularies):
            raise ValueError(
                f"JointVocabulary takes one Vocabulary or several, received {vocabularies!r}: use Vocabulary.load(path)"
            )
        self.vocabularies = vocabularies
        self.offsets = tuple(int(offset) for offset in np.cumsum([0, *map(len, vocabularies)]))
        tokens = [token for vocabulary in vocabularies for token in vocabulary.tokens]
        self.starts_word = np.array([not _continues(token) for token in tokens])
        self.is_ordinary = np.array([not _is_special(token) for token in tokens])
        for index, (start, end) in enumerate(zip(self.offsets, self.offsets[1:], strict=False)):
            if not self.is_ordinary[start:end].any():
                raise VocabularyError(f"vocabulary {index} holds special tokens only: pass one with pieces of words")

    def __len__(self) -> int:
        return self.offsets[-1]

    def words(self, ids: Sequence[int]) -> list[tuple[str, int]]:
        """Says which vocabulary segmented each word: the inverse of the segmentation.

        Args:
          ids: the pieces of a row, special tokens left out; each in [0, len(self)).

        Returns:
          `(word, vocabulary)` for each word, in order; a word that its vocabulary cannot spell is `[UNK]`.

        Raises:
          ValueError: an id is out of range, or the first piece is the inside of a word.
        """
        words: list[tuple[str, int]] = []
        for position, number in enumerate(ids):
            index, token = self._token(number)
            if not _continues(token):
                words.append((token, index))
            elif not words or words[-1][1] != index or words[-1][0] == UNKNOWN:
                raise ValueError(
                    f"piece {position} is {token!r}, the inside of a word, but no such word goes before it"
                )
            else:
                words[-1] = (words[-1][0] + token.removeprefix(JOINER), index)
        return words

    def _token(self, number: int) -> tuple[int, str]:
        """The vocabulary that an id belongs to, and its token."""
        if not 0 <= number < len(self):
            raise ValueError(f"ids must lie in [0, {len(self)}), received {number}: they belong to another vocabulary")
        index = int(np.searchsorted(self.offsets, number, side="right")) - 1
        return index, self.vocabularies[index].tokens[number - self.offsets[index]]


def _continues(token: str) -> bool:
    """Whether a piece stands inside words only; `##` itself would spell two punctuation marks, which never join."""
    return token.startswith(JOINER) and token != JOINER


def _is_special(token: str) -> bool:
    """Whether no text gives the token: brackets around something are split off."""
    return len(token) > 2 and token.startswith("[") and token.endswith("]")
