"""Hugging Face's `tokenizers`, set to say what the trained classifier's tokenizer says."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from harness.peers.engine import Engine, Tokens
from tokenizers import BertWordPieceTokenizer

SETTINGS_FILE = "tokenizer.json"


def tokenizer_of(directory: Path) -> BertWordPieceTokenizer:
    """Reads `vocab.txt` and `tokenizer.json` (`lower_case`, `max_sequence_length`)."""
    settings = json.loads((directory / SETTINGS_FILE).read_text(encoding="utf-8"))
    tokenizer = BertWordPieceTokenizer(str(directory / "vocab.txt"), lowercase=settings["lower_case"])
    tokenizer.enable_truncation(settings["max_sequence_length"])
    tokenizer.enable_padding()
    return tokenizer


def load(directory: Path) -> Callable[[Sequence[str]], Tokens]:
    """Returns a function from texts to int32 (rows, longest row) tokens."""
    tokenizer = tokenizer_of(directory)

    def encode(texts: Sequence[str]) -> Tokens:
        rows = tokenizer.encode_batch(list(texts)) if len(texts) > 1 else [tokenizer.encode(texts[0])]
        columns = {"token_ids": "ids", "segment_ids": "type_ids", "padding_mask": "attention_mask"}
        return {name: np.array([getattr(row, column) for row in rows], np.int32) for name, column in columns.items()}

    return encode


def load_texts(source: Path, threads: int) -> Engine:
    """The tokenizer alone, as an engine; its threads are set by the environment."""
    return load(source)
