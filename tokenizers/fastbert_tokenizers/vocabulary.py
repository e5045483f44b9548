"""A WordPiece vocabulary: the entries of a `vocab.txt`, validated once, and the ids of BERT's special tokens."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from fastbert_tokenizers.vocabulary_error import VocabularyError

PADDING, UNKNOWN, START, END, MASK = "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"
SPECIAL_TOKENS = (PADDING, UNKNOWN, START, END, MASK)
_MAX_NAMED = 3  # an error message names this many offending entries and counts the rest


class Vocabulary:
    """The tokens of a WordPiece vocabulary; a token's id is its position.

    Attributes:
      tokens: all tokens, in id order.
      padding_id, unknown_id, start_id, end_id, mask_id: ids of `[PAD] [UNK] [CLS] [SEP] [MASK]`.
    """

    def __init__(self, tokens: Sequence[str]) -> None:
        """Validates the tokens and indexes them.

        Args:
          tokens: distinct, non-empty strings without line feeds, the five special tokens among them.

        Raises:
          VocabularyError: a rule is broken; entries are counted from 1, as lines of a file are.
        """
        self._tokens = _validated(tokens, source="vocabulary", unit="entry")
        self._ids = {token: index for index, token in enumerate(self._tokens)}
        self.padding_id, self.unknown_id, self.start_id, self.end_id, self.mask_id = (
            self._ids[token] for token in SPECIAL_TOKENS
        )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Vocabulary:
        r"""Reads a vocabulary file: UTF-8, one token a line (`\n` or `\r\n`; no other character ends a line).

        Args:
          path: the file, in the layout of BERT's `vocab.txt`.

        Returns:
          The vocabulary.

        Raises:
          VocabularyError: the file cannot be read, is not UTF-8, is empty, or breaks a rule of the constructor.
        """
        source = f"vocabulary file {os.fspath(path)}"
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            raise VocabularyError(
                f"{source} cannot be read ({error.strerror}): pass the path of a readable vocab.txt"
            ) from error
        tokens = _decode(content, source).split("\n")
        if tokens[-1] == "":  # the line feed that ends the last line starts no new one
            tokens.pop()
        return cls(_validated([token.removesuffix("\r") for token in tokens], source=source, unit="line"))

    def save(self, path: str | os.PathLike[str]) -> None:
        r"""Writes one token a line, UTF-8, `\n`; the file appears whole or not at all.

        Args:
          path: the file to write or replace; its directory must exist.

        Raises:
          VocabularyError: the file cannot be written.
        """
        target = Path(path)
        temporary = None
        try:
            with tempfile.NamedTemporaryFile(
                dir=target.parent, prefix=target.name, suffix=".tmp", delete=False
            ) as file:
                temporary = Path(file.name)
                file.write("".join(token + "\n" for token in self._tokens).encode("utf-8"))
            temporary.chmod(0o644)  # a temporary file starts private to its writer
            temporary.replace(target)
        except OSError as error:
            if temporary is not None:
                temporary.unlink(missing_ok=True)
            raise VocabularyError(
                f"vocabulary file {target} cannot be written ({error.strerror}): "
                "pass a file in an existing, writable directory with free space"
            ) from error

    @property
    def tokens(self) -> tuple[str, ...]:
        """All tokens, in id order."""
        return self._tokens

    def id_of(self, token: str) -> int:
        """The id of a token.

        Args:
          token: a token of this vocabulary (`token in vocabulary` asks first).

        Returns:
          Its id, in [0, len(vocabulary)).

        Raises:
          VocabularyError: the token is not in the vocabulary.
        """
        if token not in self._ids:
            raise VocabularyError(
                f"token {token!r} is not among the {len(self)} tokens of the vocabulary: "
                f"use one that is, or unknown_id ({self.unknown_id})"
            )
        return self._ids[token]

    def __len__(self) -> int:
        return len(self._tokens)

    def __contains__(self, token: object) -> bool:
        return token in self._ids

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self._tokens == other._tokens

    def __hash__(self) -> int:
        return hash(self._tokens)

    def __repr__(self) -> str:
        return f"Vocabulary({len(self)} tokens)"


def _decode(content: bytes, source: str) -> str:
    """UTF-8 bytes to text, without a byte-order mark; an error names the line of the first bad byte."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise VocabularyError(
            f"{source} must be UTF-8, but line {line} holds the byte 0x{content[error.start]:02x}: "
            "convert the file to UTF-8"
        ) from error


def _validated(tokens: Sequence[str], source: str, unit: str) -> tuple[str, ...]:
    """The tokens as a tuple, or a VocabularyError that names source and entries (counted from 1 in `unit`s)."""
    if isinstance(tokens, (str, bytes)):
        raise VocabularyError(f"{source}: tokens must be a sequence of strings, received one string: pass a list")
    tokens = tuple(tokens)
    if not tokens:
        raise VocabularyError(f"{source} is empty: give one token a {unit}")
    first_at: dict[str, int] = {}
    duplicates = []
    for number, token in enumerate(tokens, start=1):
        problem = _problem(token)
        if problem:
            raise VocabularyError(f"{source}, {unit} {number}: {problem}")
        if token in first_at:
            duplicates.append(f"{token!r} on {unit} {first_at[token]} and {unit} {number}")
        first_at.setdefault(token, number)
    if duplicates:
        more = f" and {len(duplicates) - _MAX_NAMED} more" if len(duplicates) > _MAX_NAMED else ""
        raise VocabularyError(
            f"{source}: every token must appear once, received {'; '.join(duplicates[:_MAX_NAMED])}{more}: "
            "rename the later ones (deleting one would shift the ids after it)"
        )
    missing = [token for token in SPECIAL_TOKENS if token not in first_at]
    if missing:
        raise VocabularyError(
            f"{source}: needs the special tokens {' '.join(SPECIAL_TOKENS)}, but lacks {' '.join(missing)}: "
            "add them, or pass the vocab.txt that belongs to the checkpoint"
        )
    return tokens


def _problem(token: object) -> str:
    """What makes one entry unusable, with the mend, or nothing."""
    if not isinstance(token, str):
        return f"a token must be a string, received {type(token).__name__} {token!r}: convert it"
    if not token:
        return "a token must not be empty: give the token that has this id, such as [unused1]"
    if "\n" in token or token.endswith("\r"):
        return f"a token must not hold a line end, received {token!r}: remove it"
    try:
        token.encode("utf-8")
    except UnicodeEncodeError:
        return f"a token must be valid Unicode, received {token!r}: remove the lone surrogate"
    return ""
