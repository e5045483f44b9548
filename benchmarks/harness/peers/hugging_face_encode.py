"""Hugging Face's `tokenizers` up to its own objects: the same texts, without the arrays that an engine needs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.peers.engine import Answers, Engine
from harness.peers.hugging_face_tokenizer import tokenizer_of


def load_texts(source: Path, threads: int) -> Engine:
    """Encodes and pads a batch; its threads are set by the environment."""
    tokenizer = tokenizer_of(source)

    def encode(texts: Sequence[str]) -> Answers:
        tokenizer.encode_batch(texts) if len(texts) > 1 else tokenizer.encode(texts[0])
        return {}

    return encode
