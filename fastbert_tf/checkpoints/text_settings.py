"""Vocabulary and lower-casing of a checkpoint directory."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from absl import logging

from fastbert_tf.checkpoints.backbone_config import read_json
from fastbert_tf.checkpoints.errors import CheckpointError
from fastbert_tokenizers import Vocabulary

MAX_SPARE_ROWS = 127  # embeddings are padded up to a multiple of 128 at most


def read_text_settings(folder: Path, vocabulary_size: int) -> tuple[Vocabulary | None, bool]:
    """Reads `vocab.txt` (or `tokenizer.json`) and `tokenizer_config.json`.

    Where no file says whether the model reads lower-cased text, the vocabulary does: a cased one has capital letters.

    Args:
        folder: the checkpoint directory.
        vocabulary_size: rows of the token embedding.

    Returns:
        The vocabulary (None where there is none), and whether texts are lower-cased.

    Raises:
        CheckpointError: the vocabulary does not fit the embedding.
        ValueError: the vocabulary breaks its own rules.
    """
    vocabulary, source = _read_vocabulary(folder)
    if vocabulary is not None:
        check_vocabulary_fits(source, len(vocabulary), vocabulary_size)
    settings = folder / "tokenizer_config.json"
    values = read_json(settings) if settings.is_file() else {}
    lower_case = values.get("do_lower_case")
    if lower_case is None:
        lower_case = vocabulary is None or not _has_capitals(vocabulary)
    elif not isinstance(lower_case, bool):
        raise CheckpointError(f"{settings}: do_lower_case must be true or false, but is {lower_case!r}; correct it")
    _warn_of_other_rules(settings, values, lower_case)
    return vocabulary, lower_case


def _read_vocabulary(folder: Path) -> tuple[Vocabulary | None, Path]:
    plain, packed = folder / "vocab.txt", folder / "tokenizer.json"
    if plain.is_file():
        return Vocabulary.load(plain), plain
    if not packed.is_file():
        return None, plain
    model = read_json(packed).get("model")
    ids = model.get("vocab") if isinstance(model, dict) and model.get("type", "WordPiece") == "WordPiece" else None
    if not isinstance(ids, dict) or sorted(ids.values()) != list(range(len(ids))):
        raise CheckpointError(
            f"{packed}: must hold a WordPiece vocabulary with ids 0, 1, ...; put the model's vocab.txt beside it"
        )
    return Vocabulary(sorted(ids, key=ids.__getitem__)), packed


def check_vocabulary_fits(source: str | Path, tokens: int, rows: int) -> None:
    """Refuses a vocabulary that is not the one an embedding was trained with.

    Args:
        source: names the vocabulary in the error.
        tokens: entries of the vocabulary.
        rows: entries of the embedding; up to 127 may be spare, since some checkpoints pad theirs.

    Raises:
        CheckpointError: the two do not belong together.
    """
    if not rows - MAX_SPARE_ROWS <= tokens <= rows:
        raise CheckpointError(
            f"{source}: has {tokens} tokens, but the token embedding has {rows} rows; "
            "use the vocabulary that belongs to these weights"
        )


def _has_capitals(vocabulary: Vocabulary) -> bool:
    return any(re.fullmatch("(##)?[A-Za-z]*[A-Z][A-Za-z]*", token) for token in vocabulary.tokens)


def _warn_of_other_rules(settings: Path, values: dict[str, Any], lower_case: bool) -> None:
    rules = {"strip_accents": lower_case, "tokenize_chinese_chars": True, "do_basic_tokenize": True}
    for key, ours in rules.items():
        if values.get(key) not in (None, ours):
            logging.warning("%s: %s is %s, but texts will be read as if it were %s", settings, key, values[key], ours)
