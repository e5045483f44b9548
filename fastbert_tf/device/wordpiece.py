"""BERT's WordPiece in one file of plain Python: the standard library, nothing else.

Equal to the tokenizer that trained the model, but for characters younger than this Python's Unicode tables, and for
runs of 32 or more vowel killers or tone marks, which no text holds.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

UNKNOWN, START, END = "[UNK]", "[CLS]", "[SEP]"
CONTINUES = "##"
"""Marks a piece that does not begin a word."""
MAX_WORD_CHARACTERS = 100
"""A longer word is `[UNK]`."""
REMEMBERED_WORDS = 4096
"""Words whose pieces are kept at hand."""

_KEPT_CONTROLS = "\t\n\r"  # control characters to Unicode, white space to BERT
_DELETED = {"Cc", "Cf", "Co", "Cs"}
_SYMBOLS = set("$+<=>^`|~")  # punctuation to BERT, symbols to Unicode
_CHINESE = (
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2CEAF),
    (0x2F800, 0x2FA1F),
)
_PLAIN = re.compile(r"[\t\n\r -~]*")  # ASCII without control characters
_WORDS = re.compile(r"[A-Za-z0-9]+|[^A-Za-z0-9\s]")


class WordPiece:
    """Turns a text, or a pair of texts, into token ids.

    Attributes:
        max_sequence_length: most tokens of a row, `[CLS]` and `[SEP]` counted.
    """

    def __init__(self, tokens: Sequence[str], lower_case: bool = True, max_sequence_length: int = 128) -> None:
        """Indexes the vocabulary.

        Args:
            tokens: the vocabulary, in id order, with `[UNK]`, `[CLS]` and `[SEP]`.
            lower_case: whether texts are lower-cased and stripped of accents.
            max_sequence_length: most tokens of a row, `[CLS]` and `[SEP]` counted; at least 5.

        Raises:
            ValueError: a special token is missing, or there is no room for a pair.
        """
        self._ids = {token: index for index, token in enumerate(tokens)}
        missing = [token for token in (UNKNOWN, START, END) if token not in self._ids]
        if missing:
            raise ValueError(f"the vocabulary lacks {' '.join(missing)}; take the vocab.txt that belongs to the model")
        if max_sequence_length < 5:
            raise ValueError(f"max_sequence_length must be at least 5, but is {max_sequence_length}; raise it")
        self.lower_case = lower_case
        self.max_sequence_length = max_sequence_length
        self._unknown, self._start, self._end = (self._ids[token] for token in (UNKNOWN, START, END))
        self._longest = max(len(token.removeprefix(CONTINUES)) for token in self._ids)
        self._pieces = lru_cache(REMEMBERED_WORDS)(self._split_word)

    @classmethod
    def load(cls, path: str | os.PathLike[str], lower_case: bool = True, max_sequence_length: int = 128) -> WordPiece:
        r"""Reads a `vocab.txt`: UTF-8, one token a line; no character but `\n` ends a line.

        Raises:
            OSError: the file cannot be read.
            ValueError: as for the constructor, or the file is not UTF-8.
        """
        with open(path, encoding="utf-8-sig", newline="\n") as file:
            lines = file.read().removesuffix("\n").split("\n")
        return cls([line.removesuffix("\r") for line in lines], lower_case, max_sequence_length)

    def encode(self, text: str | bytes, text_pair: str | bytes | None = None) -> tuple[list[int], list[int]]:
        """Makes a row `[CLS] text [SEP]` or `[CLS] text [SEP] text_pair [SEP]`, cut, not padded.

        A single text loses its end; of a pair the longer text is cut first.

        Args:
            text: the text; bytes are UTF-8, what is invalid in them is deleted.
            text_pair: the second text, or None.

        Returns:
            Token ids and segment ids (0 up to the first `[SEP]`, then 1), equally long.
        """
        first = self.tokenize(text)
        if text_pair is None:
            row = [self._start, *first[: self.max_sequence_length - 2], self._end]
            return row, [0] * len(row)
        second = self.tokenize(text_pair)
        budget = self.max_sequence_length - 3
        shorter = min(len(first), len(second), budget // 2)
        longer = budget - shorter
        first_keeps, second_keeps = (longer, shorter) if len(first) > len(second) else (shorter, longer)
        head = [self._start, *first[:first_keeps], self._end]
        tail = [*second[:second_keeps], self._end]
        return head + tail, [0] * len(head) + [1] * len(tail)

    def tokenize(self, text: str | bytes) -> list[int]:
        """Splits a text into ids of pieces: no special tokens, no cut."""
        return [piece for word in self._words(text) for piece in self._pieces(word)]

    def _words(self, text: str | bytes) -> Iterator[str]:
        """Normalises a text and splits it at white space, punctuation and Chinese characters."""
        if isinstance(text, bytes):
            text = text.decode("utf-8", "replace")
        if _PLAIN.fullmatch(text):  # most texts: nothing to delete, nothing that takes another form
            yield from _WORDS.findall(text.lower() if self.lower_case else text)
            return
        word: list[str] = []
        for character in normalized(text, self.lower_case):
            kind = _kind(character)
            if kind and word:
                yield "".join(word)
                word.clear()
            if kind == "alone":
                yield character
            elif not kind:
                word.append(character)
        if word:
            yield "".join(word)

    def _split_word(self, word: str) -> tuple[int, ...]:
        """Takes the longest piece that fits, again and again; a word that cannot be spelled is unknown."""
        if len(word) > MAX_WORD_CHARACTERS:
            return (self._unknown,)
        pieces: list[int] = []
        start = 0
        while start < len(word):
            prefix = CONTINUES if start else ""
            for end in range(min(len(word), start + self._longest), start, -1):
                piece = self._ids.get(prefix + word[start:end])
                if piece is not None:
                    pieces.append(piece)
                    start = end
                    break
            else:
                return (self._unknown,)
        return tuple(pieces)


def normalized(text: str, lower_case: bool) -> str:
    r"""Cleans a text as BERT does: deletes what cannot be seen and, in lower case, accents too.

    Args:
        text: any text.
        lower_case: also strip accents (NFD, without `\p{Mn}`) and lower-case.
    """
    text = "".join(character for character in text if not _deleted(character))
    if not lower_case:
        return text
    # Accents go before NFD, too: it sorts a run of them by insertion.
    decomposed = unicodedata.normalize("NFD", "".join(c for c in text if unicodedata.category(c) != "Mn"))
    text = "".join(character for character in decomposed if unicodedata.category(character) != "Mn")
    return text.replace("\u03a3", "\u03c3").lower()  # else Python writes a final sigma, which BERT does not


def _deleted(character: str) -> bool:
    if character in _KEPT_CONTROLS:
        return False
    return character == "\ufffd" or unicodedata.category(character) in _DELETED


@lru_cache(REMEMBERED_WORDS)
def _kind(character: str) -> str:
    """`space`, `alone` for a word of its own, or nothing for a part of a word."""
    category = unicodedata.category(character)
    if character.isspace() or category[0] == "Z":
        return "space"
    if category[0] == "P" or character in _SYMBOLS:
        return "alone"
    code = ord(character)
    return "alone" if any(low <= code <= high for low, high in _CHINESE) else ""
