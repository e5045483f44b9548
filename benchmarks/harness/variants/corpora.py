"""The texts of the comparison, segmented once for all runs of a process."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from fastbert_tf.data import DualPipeline, MaskedLmPipeline, SegmentedCorpus
from fastbert_tf.data.row_order import shuffled_rows
from fastbert_tf.evaluation import masked_words
from fastbert_tf.models import MaskedLm
from fastbert_tf.recipes.dual_corpus import corpus_settings, dual_batches
from fastbert_tokenizers import Vocabulary
from harness.variants.settings import HELD_OUT_FILES, SELECTION, TRAIN_FILES, Settings

SPECIAL_TOKENS = 2
"""[CLS] and [SEP] of every row."""


class Corpora:
    """Training batches, their tokens, and the held-out texts.

    Args:
        settings: names the files, and how long rows and batches are.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        folder = Path(settings.data) / "corpus"
        files = [folder / name for name in TRAIN_FILES]
        held_out = [folder / HELD_OUT_FILES[name] for name in SELECTION]
        self.vocabulary = Vocabulary.load(settings.vocabulary)
        self.teacher_vocabulary = Vocabulary.load(Path(settings.teacher) / "vocab.txt")
        self.make_batches = dual_batches(
            files, held_out, settings.batch_size, settings.max_sequence_length, progress=True
        )
        self.described = corpus_settings(files, held_out, settings.max_sequence_length)

    def steps_of(self, tokens: int, seed: int, epochs: int) -> tuple[int, int]:
        """Returns how many batches an epoch needs for so many student tokens in all, and their exact number."""
        train, _ = self.make_batches(self.teacher_vocabulary, self.vocabulary, True, 0.5)
        assert isinstance(train, DualPipeline)
        return steps_for(tokens, [student_tokens(train, seed + epoch) for epoch in range(epochs)])

    def predict_masked_words(self, student: MaskedLm) -> dict[str, dict[str, Any]]:
        """Returns places, right ones and nats of every held-out text."""
        found = {name: masked_words(student, pipeline.ordered()) for name, pipeline in self._held_out.items()}
        return {
            name: {"places": words.places, "right": words.right, "nats": words.nats} for name, words in found.items()
        }

    @cached_property
    def _held_out(self) -> dict[str, MaskedLmPipeline]:
        folder, length = Path(self._settings.data) / "corpus", self._settings.max_sequence_length
        return {
            name: MaskedLmPipeline(
                SegmentedCorpus(folder / file, [self.vocabulary], max_sequence_length=length),
                self._settings.batch_size,
            )
            for name, file in HELD_OUT_FILES.items()
        }


def student_tokens(batches: DualPipeline, seed: int) -> np.ndarray:
    """Returns the student's tokens of each batch of the epoch of this seed, padding not counted; int64 (batches,)."""
    corpus, size = batches.corpus, batches.batch_size
    row_tokens = corpus.ends[-1] - corpus.starts[-1] + SPECIAL_TOKENS  # (rows,)
    order, starts = shuffled_rows(batches.lengths, size, seed)
    starts = starts[starts + size <= len(order)]  # full batches alone
    return row_tokens[order[starts[:, None] + np.arange(size)]].sum(axis=1)


def steps_for(tokens: int, epochs: list[np.ndarray]) -> tuple[int, int]:
    """Returns the least equal number of batches of each epoch that hold so many tokens, and how many these hold.

    Raises:
        ValueError: all batches together hold fewer.
    """
    totals = np.sum([np.cumsum(batch_tokens) for batch_tokens in epochs], axis=0)  # (batches,)
    if totals[-1] < tokens:
        raise ValueError(f"{len(epochs)} epochs hold {totals[-1]:,} tokens, but {tokens:,} are asked; add epochs")
    steps = int(np.searchsorted(totals, tokens)) + 1
    return steps, int(totals[steps - 1])
