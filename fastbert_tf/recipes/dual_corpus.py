"""Opens a corpus for pretraining."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import keras

from fastbert_tf.data import DualPipeline, MaskingConfig, SegmentedCorpus, WordPipeline
from fastbert_tf.recipes.distill_student import MakeWordBatches
from fastbert_tf.recipes.pretrain_student import MakeBatches
from fastbert_tf.training import Batches
from fastbert_tokenizers import Vocabulary

Paths = Sequence[str | os.PathLike[str]]


def dual_batches(
    corpus: Paths,
    held_out: Paths,
    batch_size: int = 32,
    max_sequence_length: int = 128,
    masking: MaskingConfig | None = None,
    progress: bool = False,
) -> MakeBatches:
    """Returns what `pretrain_student` asks for batches; each file is read and segmented once.

    Args:
        corpus: UTF-8 files to learn from, plain or .gz, one paragraph a line.
        held_out: files that select the epoch.
        batch_size: rows of a batch.
        max_sequence_length: longest row in tokens.
        masking: rates of the corruption; None takes BERT's.
        progress: whether to show a progress bar.
    """
    opened = _Opened(corpus, held_out, max_sequence_length, progress)

    def make(teacher: Vocabulary, student: Vocabulary, lower_case: bool, p_dt: float) -> tuple[Batches, Batches]:
        train, check = (
            DualPipeline(part, p_dt, batch_size, masking, opened.multiple)
            for part in opened.segmented(teacher, student, lower_case)
        )
        return train, check

    return make


def word_batches(
    corpus: Paths, held_out: Paths, batch_size: int = 32, max_sequence_length: int = 128, progress: bool = False
) -> MakeWordBatches:
    """Returns what `distill_student` asks for batches; the arguments are those of `dual_batches`."""
    opened = _Opened(corpus, held_out, max_sequence_length, progress)

    def make(teacher: Vocabulary, student: Vocabulary, lower_case: bool) -> tuple[Batches, Batches]:
        train, check = (
            WordPipeline(part, batch_size, opened.multiple) for part in opened.segmented(teacher, student, lower_case)
        )
        return train, check

    return make


class _Opened:
    """Both parts of a corpus, segmented when they are first asked for."""

    def __init__(self, corpus: Paths, held_out: Paths, max_sequence_length: int, progress: bool) -> None:
        self.files = (corpus, held_out)
        self.length = max_sequence_length
        self.progress = progress
        self.multiple = pad_to_multiple_of(max_sequence_length)
        self._parts: list[SegmentedCorpus] = []

    def segmented(self, teacher: Vocabulary, student: Vocabulary, lower_case: bool) -> list[SegmentedCorpus]:
        """Returns the corpus and what is held out of it."""
        if not self._parts:
            self._parts = [
                SegmentedCorpus(files, [teacher, student], lower_case, self.length, self.progress)
                for files in self.files
            ]
        return self._parts


def pad_to_multiple_of(max_sequence_length: int) -> int:
    """Returns what lengths of batches are rounded up to; JAX compiles every shape of a batch anew."""
    return max_sequence_length if keras.backend.backend() == "jax" else 8


def corpus_settings(corpus: Paths, held_out: Paths, max_sequence_length: int) -> dict[str, Any]:
    """Returns what tells one corpus from another: names and sizes of its files, and the length of its rows.

    Raises:
        OSError: a file does not exist.
    """

    def files(paths: Paths) -> list[list[Any]]:
        return [[os.path.basename(path), os.path.getsize(path)] for path in paths]

    return {"train": files(corpus), "held_out": files(held_out), "max_sequence_length": max_sequence_length}
