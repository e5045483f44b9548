"""Every tokenizer and vocabulary: part of the registry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import fastbert_tokenizers


@dataclass(frozen=True)
class TokenizerCase:
    """A tokenizer; it is called with texts, or with texts and text pairs."""

    cls: type
    make: Callable[[], Any]


@dataclass(frozen=True)
class VocabularyCase:
    """A vocabulary."""

    cls: type
    make: Callable[[], Any]


def make_vocabulary() -> fastbert_tokenizers.Vocabulary:
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "film", "##s", "not", "书", "!", "Good"]
    return fastbert_tokenizers.Vocabulary([*words, *letters, *(f"##{c}" for c in letters if c != "s")])


def _make_word_piece() -> fastbert_tokenizers.WordPieceTokenizer:
    return fastbert_tokenizers.WordPieceTokenizer(make_vocabulary(), lower_case=False, max_sequence_length=12)


TOKENIZERS = [TokenizerCase(fastbert_tokenizers.WordPieceTokenizer, _make_word_piece)]
VOCABULARIES = [VocabularyCase(fastbert_tokenizers.Vocabulary, make_vocabulary)]
