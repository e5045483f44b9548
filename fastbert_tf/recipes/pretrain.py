"""From a corpus to an encoder that has learned to predict its masked words."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from fastbert_tf.checkpoints import check_vocabulary_fits, import_masked_lm, save_masked_lm
from fastbert_tf.config import BackboneConfig, MaskedLmConfig
from fastbert_tf.data import MaskedLmPipeline, MaskingConfig, SegmentedCorpus
from fastbert_tf.data.corpus import corpus_files
from fastbert_tf.models import Backbone, MaskedLm
from fastbert_tf.recipes.digest import tokens_digest, weights_digest
from fastbert_tf.recipes.dual_corpus import corpus_settings, pad_to_multiple_of
from fastbert_tf.recipes.run_directory import RunDirectory
from fastbert_tf.training import MaskedLmRun
from fastbert_tokenizers import Vocabulary

Paths = Sequence[str | os.PathLike[str]]


def pretrain(
    corpus: Paths,
    held_out: Paths,
    output: str | os.PathLike[str],
    checkpoint: str | os.PathLike[str] | None = None,
    shape: BackboneConfig | None = None,
    vocabulary: Vocabulary | None = None,
    lower_case: bool | None = None,
    config: MaskedLmConfig | None = None,
    max_sequence_length: int = 128,
    deterministic: bool = False,
    verbose: int | str = "auto",
) -> MaskedLm:
    """Trains and saves an encoder with its head; called again with the same arguments, it goes on where it stopped.

    Args:
        corpus: UTF-8 files to learn from, plain or .gz, one paragraph a line; one that is named twice counts twice.
        held_out: files that select the epoch.
        output: the run's folder; `output/encoder` is a checkpoint directory that `train_classifier` starts from.
        checkpoint: an encoder to go on with, or None to start from random weights of `shape`.
        shape: the encoder's shape; only without a checkpoint. Its longest input becomes that of this run. Its dropout,
            or the checkpoint's, is what `output/encoder` is fine-tuned with; this run's own is in `config`.
        vocabulary: the token vocabulary; None takes the checkpoint's.
        lower_case: whether texts are lower-cased; None asks the checkpoint, else True.
        config: budget, learning rate, seed; None takes the defaults. Its `prediction_share` is the share of the words
            that are masked.
        max_sequence_length: longest row in tokens.
        deterministic: whether TensorFlow may only use ops that give the same bits every time; it holds for the
            rest of the process.
        verbose: Keras' progress bar; 1 also shows how far the corpus is read.

    Returns:
        The encoder with its head, as saved.

    Raises:
        ValueError: an argument, a file or the output directory is unusable; the message says which and the mend.
    """
    config = config or MaskedLmConfig()
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(config.seed)
    model, dropout, vocabulary, lower_case = _start(
        checkpoint, shape, vocabulary, lower_case, config, max_sequence_length
    )
    for files in (corpus, held_out):
        corpus_files(files)  # names a faulty one before the folder is taken
    run = RunDirectory(output, "encoder")
    run.claim(
        {
            "pretraining": config.decisive(),
            "encoder": {**model.config.to_dict(), "weights_digest": weights_digest(model)},
            "tokenizer": {"lower_case": lower_case, "vocabulary_digest": tokens_digest(vocabulary.tokens)},
            "corpus": corpus_settings(corpus, held_out, max_sequence_length),
            "deterministic": deterministic,
        }
    )

    def batches(files: Paths) -> MaskedLmPipeline:
        rows = SegmentedCorpus(files, [vocabulary], lower_case, max_sequence_length, verbose == 1)
        masking = MaskingConfig(rate=config.prediction_share)
        multiple = pad_to_multiple_of(max_sequence_length)
        pipeline = MaskedLmPipeline(rows, config.batch_size, masking, pad_to_multiple_of=multiple)
        if not pipeline.steps_per_epoch:
            raise ValueError(f"the {len(rows)} rows of {files[0]} do not fill a batch of {config.batch_size}")
        return pipeline

    def fit() -> list[dict[str, Any]]:
        selection = batches(held_out)  # first: it is soon read, and may be faulty, too
        return MaskedLmRun(config, run.state, run.tensorboard, verbose).run(model, batches(corpus), selection)

    def save(folder: Path) -> None:
        save_masked_lm(_with_dropout(model, dropout, config.dtype), vocabulary, lower_case, folder)

    run.complete(fit, save)
    return import_masked_lm(run.result, config.dtype).model


def _start(
    checkpoint: str | os.PathLike[str] | None,
    shape: BackboneConfig | None,
    vocabulary: Vocabulary | None,
    lower_case: bool | None,
    config: MaskedLmConfig,
    max_sequence_length: int,
) -> tuple[MaskedLm, float, Vocabulary, bool]:
    """Returns the model with the dropout of this run, that which it is saved with, its vocabulary and case."""
    if (checkpoint is None) == (shape is None):
        raise ValueError("pretraining starts from either a checkpoint or a shape of random weights; give exactly one")
    if checkpoint is not None:
        found = import_masked_lm(checkpoint, config.dtype)
        dropout, vocabulary = found.model.config.dropout, vocabulary or found.vocabulary
        model = _with_dropout(found.model, config.dropout, config.dtype)
        lower_case = found.lower_case if lower_case is None else lower_case
    elif shape is not None:
        dropout = shape.dropout
        shape = replace(shape, dropout=config.dropout, max_sequence_length=max_sequence_length)
        model = MaskedLm(Backbone(dtype=config.dtype, **shape.to_dict()))
    if vocabulary is None:
        raise ValueError("no vocabulary: the checkpoint has no vocab.txt beside it, or none was given; give one")
    check_vocabulary_fits("the vocabulary", len(vocabulary), model.config.vocabulary_size)
    if max_sequence_length > model.config.max_sequence_length:
        raise ValueError(
            f"max_sequence_length is {max_sequence_length}, but {checkpoint} reads at most "
            f"{model.config.max_sequence_length} tokens; cut the rows shorter"
        )
    return model, dropout, vocabulary, lower_case is not False


def _with_dropout(model: MaskedLm, dropout: float, dtype: str) -> MaskedLm:
    """Returns a copy: the dropout that suits a large corpus is no advice for fine-tuning."""
    copy = MaskedLm(Backbone(dtype=dtype, **replace(model.config, dropout=dropout).to_dict()))
    copy.set_weights(model.get_weights())
    return copy
