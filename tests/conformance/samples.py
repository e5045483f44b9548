"""Small models and batches that fit each other, for registered cases and for tests of what they share."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastbert_tf import models

BATCH, LENGTH, WIDTH, CLASSES, DEPTH, VOCABULARY = 3, 7, 8, 3, 3, 40
STUDENT_VOCABULARY, STUDENT_WIDTH = 20, 4
Arrays = dict[str, np.ndarray]


def token_inputs(rows: int = BATCH) -> Arrays:
    """Model inputs whose rows have 7, 5, 3, 7, ... real tokens and a second segment from the third token on."""
    rng = np.random.default_rng(1)
    real = np.array([(LENGTH, LENGTH - 2, LENGTH - 4)[row % 3] for row in range(rows)])  # (rows,)
    mask = (np.arange(LENGTH) < real[:, None]).astype(np.int32)  # (rows, length)
    segments = (np.arange(LENGTH) >= 3).astype(np.int32) * mask
    return {
        "token_ids": rng.integers(1, VOCABULARY, (rows, LENGTH)).astype(np.int32) * mask,
        "segment_ids": segments,
        "padding_mask": mask,
    }


def make_backbone(
    dtype: str = "float32",
    dropout: float = 0.1,
    vocabulary_size: int = VOCABULARY,
    width: int = WIDTH,
    depth: int = DEPTH,
) -> Any:
    return models.Backbone(
        vocabulary_size=vocabulary_size,
        num_layers=depth,
        num_heads=2,
        hidden_dim=width,
        intermediate_dim=2 * width,
        max_sequence_length=2 * LENGTH,
        dropout=dropout,
        dtype=dtype,
    )


def make_fastbert(dtype: str = "float32", dropout: float = 0.1) -> Any:
    return models.FastBert(make_backbone(dtype, dropout), CLASSES, branch_dim=4, branch_heads=2)


def make_masked_lm(
    dtype: str = "float32", dropout: float = 0.1, vocabulary_size: int = VOCABULARY, width: int = WIDTH, depth: int = 1
) -> Any:
    return models.MaskedLm(make_backbone(dtype, dropout, vocabulary_size, width, depth))


def make_student(dtype: str = "float32", dropout: float = 0.1) -> Any:
    return make_masked_lm(dtype, dropout, STUDENT_VOCABULARY, STUDENT_WIDTH)


def make_dual(dtype: str = "float32", dropout: float = 0.1, direction: str | None = None) -> Any:
    return models.DualMaskedLm(make_masked_lm(dtype, dropout), make_student(dtype, dropout), direction)


def dual_batch(rows: int = BATCH, p_dt: float = 0.5) -> Arrays:
    """What dual training is fitted on: ids of both vocabularies for the teacher; a third of the places predicted."""
    rng, tokens = np.random.default_rng(7), token_inputs(rows)
    mask = tokens["padding_mask"]
    student = rng.integers(1, STUDENT_VOCABULARY, mask.shape) * mask
    teacher = np.where(rng.random(mask.shape) < p_dt, VOCABULARY + student, tokens["token_ids"]) * mask
    batch = {}
    for side, ids in (("teacher", teacher), ("student", student)):
        labels = np.where((rng.random(mask.shape) < 0.4) & (mask == 1), ids, -1)
        batch |= {f"{side}_ids": ids, f"{side}_mask": mask, f"{side}_labels": labels}
    return {name: value.astype(np.int32) for name, value in batch.items()}


def masked_lm_inputs() -> Arrays:
    inputs = token_inputs()
    del inputs["segment_ids"]
    return {**inputs, "places": np.array([0, 8, 8, 14], np.int32)}


def dual_inputs() -> Arrays:
    batch = {name: value for name, value in dual_batch().items() if not name.endswith("labels")}
    places = {"teacher_places": [1, 9], "lifted_places": [2, 8, 14], "student_places": [0, 7, 8, 15]}
    return batch | {name: np.array(value, np.int32) for name, value in places.items()}


def spread(network: Any) -> None:
    """Replaces the near-zero initial weights by larger seeded ones, so that rows and layers differ."""
    rng = np.random.default_rng(3)
    for weight in network.weights:
        centre = 1.0 if weight.path.endswith("gamma") else 0.0
        weight.assign(rng.normal(centre, 0.5, weight.shape))


def word_batch(rows: int = BATCH) -> Arrays:
    """What word distillation is fitted on: each side cuts the same 3, 2, 1, 3, ... words into pieces of its own."""
    rng, words = np.random.default_rng(9), np.array([(5, 4, 3)[row % 3] for row in range(rows)])  # with [CLS] and [SEP]
    batch = {"word_mask": (np.arange(6) < words[:, None]).astype(np.int32)}
    for side, size in (("teacher", VOCABULARY), ("student", STUDENT_VOCABULARY)):
        numbers = np.zeros((rows, LENGTH), np.int32)
        for row, count in enumerate(words):
            pieces = np.sort(
                np.concatenate([np.arange(1, count + 1), rng.integers(2, count, LENGTH - count - row % 2)])
            )
            numbers[row, : len(pieces)] = pieces
        ids = rng.integers(1, size, (rows, LENGTH)) * (numbers > 0)
        batch |= {f"{side}_ids": ids.astype(np.int32), f"{side}_words": numbers}
    return batch


def word_inputs(side: str = "student", rows: int = BATCH) -> Arrays:
    """One side of a batch, as `WordEncoder` reads it."""
    batch = word_batch(rows)
    return {
        "token_ids": batch[f"{side}_ids"],
        "word_numbers": batch[f"{side}_words"],
        "word_mask": batch["word_mask"],
    }


def make_word_student(dtype: str = "float32", dropout: float = 0.1, depth: int = 1) -> Any:
    backbone = make_masked_lm(dtype, dropout, STUDENT_VOCABULARY, STUDENT_WIDTH, depth).backbone
    return models.WordEncoder(backbone, lifted_dim=WIDTH)


def make_task_teacher() -> Any:
    """Not the weights of its student, which the same seed spreads."""
    teacher = make_fastbert()
    spread(teacher)
    for weight in teacher.weights:
        weight.assign(weight * 0.8)
    return teacher


def make_word_teacher(depth: int = 1) -> Any:
    teacher = models.WordEncoder(make_masked_lm(dropout=0.1, depth=depth).backbone)
    spread(teacher)
    return teacher
