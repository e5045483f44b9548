"""From a pretrained teacher and a corpus to a small student that has learned its teacher's states, word by word."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from fastbert_tf.checkpoints import ImportedBackbone, import_backbone, save_backbone
from fastbert_tf.config import BackboneConfig, WordDistillationConfig
from fastbert_tf.models import (
    Backbone,
    WordEncoder,
    checked_layer_map,
    inherit_weights,
    require_inheritable,
    student_config,
)
from fastbert_tf.recipes.digest import tokens_digest, weights_digest
from fastbert_tf.recipes.run_directory import RunDirectory
from fastbert_tf.training import Batches, WordDistillationRun
from fastbert_tokenizers import Vocabulary, spell

MakeWordBatches = Callable[[Vocabulary, Vocabulary, bool], tuple[Batches, Batches]]
"""(teacher's vocabulary, student's, lower_case) -> (training batches, held-out ones)."""

_INHERITANCE_BATCHES = 8  # that the first weights are fitted on


def distill_student(
    teacher: str | os.PathLike[str],
    vocabulary: Vocabulary,
    make_batches: MakeWordBatches,
    output: str | os.PathLike[str],
    config: WordDistillationConfig | None = None,
    corpus: Mapping[str, Any] | None = None,
    deterministic: bool = False,
    verbose: int | str = "auto",
) -> Backbone:
    """Trains and saves a student; called again with the same arguments, it goes on where it was stopped.

    Args:
        teacher: a pretrained encoder, whose states are worth having: best a sentence encoder.
        vocabulary: the student's vocabulary.
        make_batches: opens the corpus, as dicts that `fastbert_tf.training.WordDistillation` is fitted on.
        output: the run's folder; `output/student` is a checkpoint directory that `train_classifier` starts from.
        config: width, first weights, budget; None takes the defaults.
        corpus: what tells this corpus from others, as JSON types: a run is not gone on with on another.
        deterministic: whether TensorFlow may only use ops that give the same bits every time; it holds for the
            rest of the process.
        verbose: Keras' progress bar.

    Returns:
        The student.

    Raises:
        ValueError: an argument, a file, a batch or the output directory is unusable; the message says which.
    """
    config = config or WordDistillationConfig()
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    imported = import_backbone(teacher, config.teacher_dtype)
    teacher_vocabulary = _require_vocabulary(imported, teacher)
    guide = WordEncoder(imported.backbone, name="teacher")
    student = build_student(guide.config, len(vocabulary), config)
    run = RunDirectory(output, "student")
    run.claim(
        {
            "distillation": config.decisive(),
            "teacher": {"config": guide.config.to_dict(), "digest": weights_digest(guide)},
            "vocabulary_digest": tokens_digest(vocabulary.tokens),
            "corpus": dict(corpus or {}),
            "deterministic": deterministic,
        }
    )

    def fit() -> list[dict[str, Any]]:
        train, held_out = make_batches(teacher_vocabulary, vocabulary, imported.lower_case)
        require_fitting_words(next(iter(train.epoch(0))), guide, student)
        if config.inherit:  # of a run that goes on, what was trained since then takes their place
            spellings = [spell(token, teacher_vocabulary) for token in vocabulary.tokens]
            sample = _sample(train, config.seed)
            inherit_weights(student, guide.backbone, spellings, *sample, config.layer_map)
        distillation = WordDistillationRun(config, run.state, run.tensorboard, verbose)
        return distillation.run(student, guide, train, held_out)

    run.complete(fit, lambda folder: save_backbone(student.backbone, vocabulary, imported.lower_case, folder))
    return import_backbone(run.result, config.dtype).backbone


def build_student(wide: BackboneConfig, vocabulary_size: int, config: WordDistillationConfig) -> WordEncoder:
    """Builds a student of random weights, drawn from the seed; it has no dropout, since it sees no text often.

    Args:
        wide: the teacher's shape.
        vocabulary_size: entries of the student's vocabulary.
        config: width, heads, layer map, seed.

    Raises:
        ValueError: the layers do not map, or width and heads do not fit.
    """
    layers = wide.num_layers if config.layer_map is None else len(config.layer_map)
    checked_layer_map(config.layer_map, wide.num_layers, layers)
    heads = config.student_heads
    if heads is None:
        heads = max(1, config.student_dim * wide.num_heads // wide.hidden_dim)
    shape = student_config(wide, config.student_dim, vocabulary_size, layers, heads)
    if config.inherit:
        require_inheritable(shape, wide)
    keras.utils.set_random_seed(config.seed)
    backbone = Backbone(dtype=config.dtype, **replace(shape, dropout=0.0).to_dict(), name="student_backbone")
    return WordEncoder(backbone, wide.hidden_dim, name="student")


def require_fitting_words(batch: Mapping[str, Any], teacher: WordEncoder, student: WordEncoder) -> None:
    """Refuses batches of other vocabularies or lengths before hours of work begin.

    Raises:
        ValueError: a part is missing, an id is outside the vocabularies, the rows are too long, or the words of one
            side are not those of the other.
    """
    names = ("teacher_ids", "teacher_words", "student_ids", "student_words", "word_mask")
    missing = [name for name in names if name not in batch]
    if missing:
        raise ValueError(f"a batch must hold {missing[0]}, but holds {sorted(batch)}; make batches of words")
    words = np.asarray(batch["word_mask"]).sum(1)
    for side, model in (("teacher", teacher), ("student", student)):
        ids, numbers = np.asarray(batch[f"{side}_ids"]), np.asarray(batch[f"{side}_words"])
        if ids.min() < 0 or ids.max() >= model.config.vocabulary_size:
            raise ValueError(
                f"{side}_ids must be 0 to {model.config.vocabulary_size - 1}, but go from {ids.min()} to {ids.max()}; "
                "make the batches with the vocabularies of these models"
            )
        if ids.shape[1] > model.config.max_sequence_length:
            raise ValueError(
                f"{side}_ids are {ids.shape[1]} tokens long, but the {side} reads at most "
                f"{model.config.max_sequence_length}; cut the rows shorter"
            )
        if not np.array_equal(numbers.max(1), words):
            raise ValueError(f"{side}_words number other words than word_mask has; number them from 1 in both")


def _sample(batches: Batches, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Some of the teacher's rows: ids and padding mask, each int32 (rows, sequence)."""
    found = [
        (np.asarray(batch["teacher_ids"]), np.asarray(batch["teacher_words"]) > 0)
        for batch, _ in zip(batches.epoch(seed), range(_INHERITANCE_BATCHES), strict=False)
    ]
    width = max(ids.shape[1] for ids, _ in found)
    ids, mask = (
        np.concatenate([np.pad(part, ((0, 0), (0, width - part.shape[1]))) for part in parts])
        for parts in zip(*found, strict=True)
    )
    return ids, mask.astype(np.int32)


def _require_vocabulary(imported: ImportedBackbone, teacher: str | os.PathLike[str]) -> Vocabulary:
    if imported.vocabulary is None:
        raise ValueError(f"{teacher}: has no vocab.txt, without which the teacher cannot read; put it there")
    return imported.vocabulary
