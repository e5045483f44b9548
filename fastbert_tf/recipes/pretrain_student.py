"""From a pretrained teacher and a corpus to a small student with a vocabulary of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from fastbert_tf.checkpoints import ImportedMaskedLm, import_masked_lm, save_masked_lm
from fastbert_tf.config import PretrainingConfig
from fastbert_tf.models import Backbone, DualMaskedLm, MaskedLm, checked_layer_map, student_config
from fastbert_tf.recipes.digest import tokens_digest, weights_digest
from fastbert_tf.recipes.run_directory import RunDirectory
from fastbert_tf.training import Batches, Pretraining
from fastbert_tokenizers import Vocabulary

MakeBatches = Callable[[Vocabulary, Vocabulary, bool, float], tuple[Batches, Batches]]
"""(teacher's vocabulary, student's, lower_case, p_dt) -> (training batches, held-out ones)."""


def pretrain_student(
    teacher: str | os.PathLike[str],
    vocabulary: Vocabulary,
    make_batches: MakeBatches,
    output: str | os.PathLike[str],
    config: PretrainingConfig | None = None,
    corpus: Mapping[str, Any] | None = None,
    deterministic: bool = False,
    verbose: int | str = "auto",
) -> MaskedLm:
    """Trains and saves a student; called again with the same arguments, it goes on where it was stopped.

    Args:
        teacher: a pretrained encoder. A Hugging Face directory with a masked-LM head brings it; without one, the head
            is added and warmed up.
        vocabulary: the student's vocabulary.
        make_batches: opens the corpus, as dicts that `fastbert_tf.training.DualTraining` is fitted on. It is called
            once more with p_dt 0 where the teacher's head is warmed up.
        output: the run's folder; `output/student` is a checkpoint directory that `train_classifier` starts from.
        config: variant, width, budget; None takes the defaults.
        corpus: what tells this corpus from others, as JSON types: a run is not gone on with on another.
        deterministic: whether TensorFlow may only use ops that give the same bits every time; it holds for the
            rest of the process.
        verbose: Keras' progress bar.

    Returns:
        The student with its head.

    Raises:
        ValueError: an argument, a file, a batch or the output directory is unusable; the message says which.
    """
    config = config or PretrainingConfig()
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(config.seed)  # for the teacher's head and dropout
    imported = import_masked_lm(teacher, config.dtype, config.dropout)
    teacher_vocabulary = _require_vocabulary(imported, teacher)
    if imported.has_head:
        config = replace(config, head_warmup=replace(config.head_warmup, epochs=0))
    student, network = build_networks(imported.model, len(vocabulary), config)
    run = RunDirectory(output, "student")
    run.claim(
        {
            "pretraining": config.decisive(),
            "teacher": {"config": imported.model.config.to_dict(), "digest": weights_digest(imported.model.backbone)},
            "vocabulary_digest": tokens_digest(vocabulary.tokens),
            "corpus": dict(corpus or {}),
            "deterministic": deterministic,
        }
    )

    def fit() -> list[dict[str, Any]]:
        train, held_out = make_batches(teacher_vocabulary, vocabulary, imported.lower_case, config.p_dt)
        require_fitting_batch(next(iter(train.epoch(0))), imported.model, student)
        head_train, head_held_out = None, None
        if network is not student and config.head_warmup.epochs:
            head_train, head_held_out = make_batches(teacher_vocabulary, vocabulary, imported.lower_case, 0.0)
        pretraining = Pretraining(config, run.state, run.tensorboard, verbose)
        return pretraining.run(network, train, held_out, head_train, head_held_out)

    run.complete(fit, lambda folder: save_masked_lm(student, vocabulary, imported.lower_case, folder))
    return import_masked_lm(run.result, config.dtype).model


def build_networks(
    teacher: MaskedLm, vocabulary_size: int, config: PretrainingConfig
) -> tuple[MaskedLm, MaskedLm | DualMaskedLm]:
    """Builds a student, and what is trained: it alone for `no_kd`, else teacher and student.

    The student is drawn first, from the seed: it is the same in every variant.

    Args:
        teacher: the teacher with its head.
        vocabulary_size: entries of the student's vocabulary.
        config: variant, width, layer map, seed.

    Raises:
        ValueError: the layers do not map, or width and heads do not fit.
    """
    layers = teacher.config.num_layers if config.layer_map is None else len(config.layer_map)
    checked_layer_map(config.layer_map, teacher.config.num_layers, layers)
    shape = student_config(teacher.config, config.student_dim, vocabulary_size, layers, config.student_heads)
    keras.utils.set_random_seed(config.seed)
    backbone = Backbone(dtype=config.dtype, **{**shape.to_dict(), "dropout": config.dropout}, name="student_backbone")
    student = MaskedLm(backbone, name="student")
    if config.variant == "no_kd":
        return student, student
    return student, DualMaskedLm(teacher, student, config.direction, config.layer_map)


def require_fitting_batch(batch: Mapping[str, Any], teacher: MaskedLm, student: MaskedLm) -> None:
    """Refuses batches of other vocabularies or lengths before hours of work begin.

    Raises:
        ValueError: a part is missing, an id is outside the vocabularies, or the rows are too long.
    """
    sizes = {
        "teacher": teacher.config.vocabulary_size + student.config.vocabulary_size,
        "student": student.config.vocabulary_size,
    }
    for side, model in (("teacher", teacher), ("student", student)):
        for name in (f"{side}_ids", f"{side}_mask", f"{side}_labels"):
            if name not in batch:
                raise ValueError(f"a batch must hold {name}, but holds {sorted(batch)}; make batches for dual training")
        ids = np.asarray(batch[f"{side}_ids"])
        largest = max(ids.max(initial=0), np.asarray(batch[f"{side}_labels"]).max(initial=0))
        if ids.min(initial=0) < 0 or largest >= sizes[side]:
            raise ValueError(
                f"{side}_ids must be 0 to {sizes[side] - 1}, but go from {ids.min(initial=0)} to {largest}; "
                "make the batches with the vocabularies of these models"
            )
        if ids.shape[1] > model.config.max_sequence_length:
            raise ValueError(
                f"{side}_ids are {ids.shape[1]} tokens long, but the {side} reads at most "
                f"{model.config.max_sequence_length}; cut the rows shorter"
            )


def _require_vocabulary(imported: ImportedMaskedLm, teacher: str | os.PathLike[str]) -> Vocabulary:
    vocabulary, rows = imported.vocabulary, imported.model.config.vocabulary_size
    if vocabulary is None:
        raise ValueError(f"{teacher}: has no vocab.txt, without which the teacher cannot read; put it there")
    if len(vocabulary) != rows:
        raise ValueError(
            f"{teacher}: has {rows} embeddings for {len(vocabulary)} tokens; the student's ids follow the teacher's, "
            "so that both must be equal: cut the spare rows off"
        )
    return vocabulary
