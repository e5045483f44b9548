"""Our tokenizer alone, as the exported graph runs it; an engine from texts to tokens."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from fastbert_tokenizers import Vocabulary, WordPieceTokenizer
from harness.peers.engine import Engine, Tokens
from harness.peers.hugging_face_tokenizer import SETTINGS_FILE
from harness.sessions import quick_callable, session_config


def load_texts(source: Path, threads: int) -> Engine:
    """Builds a graph of the tokenizer of `vocab.txt` and `tokenizer.json`, run as `saved_model` runs exports."""
    settings = json.loads((source / SETTINGS_FILE).read_text(encoding="utf-8"))
    graph = tf.Graph()
    with graph.as_default():
        tokenizer = WordPieceTokenizer(Vocabulary.load(source / "vocab.txt"), **settings)
        texts = tf.compat.v1.placeholder(tf.string, [None])
        outputs = tokenizer(texts)
        running = tf.compat.v1.Session(config=session_config(threads))
        function = quick_callable(running, [output.name for output in outputs.values()], [texts.name])

    def encode(batch: Sequence[str]) -> Tokens:
        values = function(np.array([text.encode() for text in batch], object))
        return dict(zip(outputs, values, strict=True))

    return encode
