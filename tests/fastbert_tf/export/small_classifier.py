"""A small random classifier whose rows leave at different layers, and its export; serving tests use it too."""

from __future__ import annotations

import functools
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from fastbert_tf.config import BackboneConfig, FastBertConfig
from fastbert_tf.export import export_saved_model
from fastbert_tf.inference import ExitLoop, KerasStack, NormalizedEntropy
from fastbert_tf.models import FastBert
from fastbert_tokenizers import Vocabulary, WordPieceTokenizer

LABELS = ("bad", "so-so", "good")
WORDS = ("the", "a", "film", "plot", "is", "was", "not", "very", "good", "bad", "dull", "great", "slow", "but", "and")
LETTERS = tuple("abcdefghijklmnopqrstuvwxyz.,!?")
TEXTS = (
    "the film is very good",
    "bad",
    "the plot was slow but the film was not bad",
    "great, great, great!",
    "a dull plot and a bad film",
    "unbelievably zany",
    "",
    "not good",
    "is it? the very plot was a film and a film is not a plot",
    "very very very very very very slow",
)
_HOLDERS: list[tempfile.TemporaryDirectory] = []  # keeps exports until the test process ends


def small_tokenizer(max_sequence_length: int = 24) -> WordPieceTokenizer:
    """A tokenizer over a handful of words and all letters."""
    specials = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
    tokens = dict.fromkeys([*specials, *WORDS, *LETTERS, *(f"##{letter}" for letter in LETTERS)])
    return WordPieceTokenizer(Vocabulary(list(tokens)), max_sequence_length=max_sequence_length)


def small_config(**changes: Any) -> FastBertConfig:
    """Four layers of width 16; `changes` go to the backbone."""
    shape: dict[str, Any] = {
        "vocabulary_size": len(small_tokenizer().vocabulary),
        "num_layers": 4,
        "num_heads": 2,
        "hidden_dim": 16,
        "intermediate_dim": 32,
        "max_sequence_length": 24,
    }
    return FastBertConfig(BackboneConfig(**{**shape, **changes}), num_classes=len(LABELS), branch_dim=8)


def small_model(dtype: str | None = None, **changes: Any) -> FastBert:
    """A model with weights large enough that answers are sharp at some layers and rows, and vague at others."""
    model = FastBert.from_fastbert_config(small_config(**changes), dtype=dtype)
    rng = np.random.default_rng(7)
    for weight in model.weights:
        if len(weight.shape) == 2:
            weight.assign(rng.normal(scale=0.75, size=weight.shape))
    return model


def eager_loop(model: FastBert) -> ExitLoop:
    """The reference: the exit loop on the Keras model itself."""
    return ExitLoop(KerasStack(model), NormalizedEntropy())


def small_export(is_pair: bool = False, num_layers: int = 4) -> tuple[FastBert, Path]:
    """The model and its model directory, exported once a test process as version 3."""
    return _exported(is_pair, num_layers)


@functools.cache  # apart: it would export anew for the same arguments given by name
def _exported(is_pair: bool, num_layers: int) -> tuple[FastBert, Path]:
    model = small_model(num_layers=num_layers)
    holder = tempfile.TemporaryDirectory()
    directory = Path(holder.name) / "model"
    export_saved_model(
        directory, model=model, tokenizer=small_tokenizer(), label_names=LABELS, is_pair=is_pair, version=3
    )
    _HOLDERS.append(holder)
    return model, directory


@functools.cache
def quick_export(is_pair: bool = False, num_layers: int = 4, warm_up: tuple[str, ...] = ()) -> tuple[FastBert, Path]:
    """The same, for servers that shall start soon: each signature that is warmed up takes a second.

    Of the warm-up records it keeps the first one of each signature that `warm_up` names.
    """
    model, directory = small_export(is_pair, num_layers)
    holder = tempfile.TemporaryDirectory()
    copy = Path(shutil.copytree(directory, Path(holder.name) / "model"))
    path = copy / "3" / "assets.extra" / "tf_serving_warmup_requests"
    first: dict[str, bytes] = {}
    for record in tf.data.TFRecordDataset(str(path)):
        request = PredictionLog.FromString(record.numpy()).predict_log.request
        first.setdefault(request.model_spec.signature_name, record.numpy())
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature in warm_up:
            writer.write(first[signature])
    _HOLDERS.append(holder)
    return model, copy
