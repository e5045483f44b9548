"""What an engine is to the benchmark, and the names of those it knows."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Tokens = dict[str, np.ndarray]
"""`token_ids`, `segment_ids` and `padding_mask`, each int32 (rows, sequence); exports also take `speed`."""
Answers = dict[str, np.ndarray]
"""`probabilities` float32 (rows, classes); adaptive exports also say `exit_layer` int32 (rows,), counted from 1."""
Engine = Callable[[Any], Answers]
"""Takes `Tokens`, or a list of texts where it was loaded for texts."""

FEATURES = ("token_ids", "segment_ids", "padding_mask")

PRECISIONS = {
    "onnxruntime": ("float32", "int8"),
    "openvino": ("float32", "bfloat16"),
    "pytorch": ("float32", "bfloat16", "int8"),
    "tensorflow": ("float32", "bfloat16"),
}
"""The engines that users would pick instead, each at its precisions. Not here: `saved_model`, whose precision is in
the file, and `fastbert_package`, which has neither tokens nor batches."""


def load_engine(name: str, source: Path, precision: str, threads: int) -> Engine:
    """Loads an engine that takes tokens.

    Args:
        name: a module of this package.
        source: a directory that `prepare` has filled; for `saved_model` a version directory.
        precision: one of the engine's precisions.
        threads: threads that the engine may use for one call.

    Returns:
        The engine, ready to be called.
    """
    engine: Engine = importlib.import_module(f"harness.peers.{name}").load(source, precision, threads)
    return engine


def load_text_engine(
    name: str, source: Path, threads: int, token_engine: Callable[[], Engine], tokenizer: Path
) -> Engine:
    """Loads an engine that takes texts.

    Args:
        name: a module of this package.
        source: as for `load_engine`.
        threads: as for `load_engine`.
        token_engine: gives the engine from tokens.
        tokenizer: directory of Hugging Face's tokenizer, for engines that have none of their own.

    Returns:
        The engine, ready to be called.
    """
    module = importlib.import_module(f"harness.peers.{name}")
    if hasattr(module, "load_texts"):
        engine: Engine = module.load_texts(source, threads)
        return engine
    encode = importlib.import_module("harness.peers.hugging_face_tokenizer").load(tokenizer)
    answer = token_engine()
    return lambda texts: answer(encode(texts))
