"""Pretraining runs: the learning rate, the teacher's head, and the four variants."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras

from fastbert_tf.checkpoints import import_masked_lm, save_masked_lm
from fastbert_tf.config import PretrainingConfig, StageConfig
from fastbert_tf.evaluation import encoder_parameters
from fastbert_tf.recipes.pretrain_student import build_networks, pretrain_student
from fastbert_tf.training import Pretraining
from harness.variants.corpora import Corpora
from harness.variants.settings import Settings

HEAD_SEED = 0
SHOWN = ("epoch", "seconds", "val_loss", "val_student_loss", "val_accuracy", "val_student_accuracy", "loss_ratio",
         "projection_loss", "teacher_loss", "teacher_accuracy", "val_teacher_accuracy", "unpredicted")  # fmt: skip
"""What is kept of every epoch."""


def configured(settings: Settings, variant: str, seed: int, rate: float, epochs: int, steps: int) -> PretrainingConfig:
    return PretrainingConfig(
        variant=variant,
        student_dim=settings.student_dim,
        dropout=0.0,  # every sentence is seen once
        training=StageConfig(epochs, rate),
        epoch_steps=steps,
        held_out_steps=settings.held_out_steps,
        batch_size=settings.batch_size,
        dtype=settings.dtype,
        seed=seed,
        save_every=100,
    )


def tune(settings: Settings, corpora: Corpora, rate: float) -> dict[str, Any]:
    """Trains NoKD on few tokens."""
    folder = settings.folder / "tuning" / f"{rate:g}"
    return _train(settings, corpora, "no_kd", settings.seeds[0], rate, 1, settings.tuning_tokens, folder)


def pretrain(settings: Settings, corpora: Corpora, variant: str, seed: int, rate: float) -> dict[str, Any]:
    """Trains one variant on the whole budget, and predicts masked words with it."""
    folder = student_folder(settings, variant, seed)
    result = _train(settings, corpora, variant, seed, rate, settings.epochs, settings.tokens, folder.parent)
    student = import_masked_lm(folder, "float32").model
    return {
        **result,
        "encoder_parameters": encoder_parameters(student.config),
        "words": corpora.predict_masked_words(student),
    }


def student_folder(settings: Settings, start: str, seed: int) -> Path:
    """Returns where a student lies; `save_first_weights` makes the one of random weights."""
    return settings.folder / "students" / f"{start}-{seed}" / "student"


def save_first_weights(settings: Settings, seed: int, folder: Path) -> None:
    """Saves the student that all variants of this seed start from."""
    imported = import_masked_lm(settings.teacher)
    vocabulary = Corpora(settings).vocabulary
    config = configured(settings, "no_kd", seed, settings.rates[0], 1, 1)
    student, _ = build_networks(imported.model, len(vocabulary), config)
    save_masked_lm(student, vocabulary, imported.lower_case, folder)


def teacher_folder(settings: Settings) -> Path:
    """Returns where the teacher with its head lies."""
    return settings.folder / "teacher"


def warm_up_head(settings: Settings, corpora: Corpora) -> dict[str, Any]:
    """Trains the head that the teacher lacks, its encoder frozen, and saves both; nothing if it brings one."""
    keras.utils.set_random_seed(HEAD_SEED)
    imported = import_masked_lm(settings.teacher, settings.dtype, dropout=0.0)
    history: list[dict[str, Any]] = []
    if not imported.has_head:
        steps, _ = corpora.steps_of(settings.head_tokens, HEAD_SEED + 1, 1)
        config = configured(settings, "dual_train", HEAD_SEED, settings.rates[0], 0, steps)  # no epoch of the training
        _, network = build_networks(imported.model, len(corpora.vocabulary), config)
        batches = corpora.make_batches(corpora.teacher_vocabulary, corpora.vocabulary, imported.lower_case, 0.0)
        state = settings.folder / "head_state"
        history = Pretraining(config, state, verbose=2).run(network, *batches, *batches)
    save_masked_lm(imported.model, corpora.teacher_vocabulary, imported.lower_case, teacher_folder(settings))
    return {"history": [_shown(entry) for entry in history]}


def held_out_loss(result: dict[str, Any]) -> float:
    """Returns the student's best held-out loss of a run, in nats a place."""
    losses = [entry.get("val_student_loss", entry.get("val_loss")) for entry in result["history"]]
    return min(losses)


def _train(
    settings: Settings,
    corpora: Corpora,
    variant: str,
    seed: int,
    rate: float,
    epochs: int,
    tokens: int,
    folder: Path,
) -> dict[str, Any]:
    steps, served = corpora.steps_of(tokens, seed, epochs)
    config = configured(settings, variant, seed, rate, epochs, steps)
    teacher = teacher_folder(settings) if variant != "no_kd" else settings.teacher
    pretrain_student(teacher, corpora.vocabulary, corpora.make_batches, folder, config, corpora.described, verbose=2)
    history = json.loads((folder / "history.json").read_text(encoding="utf-8"))
    return {
        "variant": variant,
        "seed": seed,
        "learning_rate": rate,
        "scaled_learning_rate": config.scaled_learning_rate,
        "student_tokens": served,
        "steps": steps * epochs,
        "history": [_shown(entry) for entry in history],
    }


def _shown(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: entry[name] for name in SHOWN if name in entry}
