"""Batches of rows of a segmented corpus, from any epoch and any step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from fastbert_tf.data.masking import NOT_PREDICTED
from fastbert_tf.data.row_order import shuffled_rows
from fastbert_tf.data.segmented_corpus import SegmentedCorpus
from fastbert_tokenizers import Vocabulary, key_of

_PREFETCHED_BATCHES = 8

Batch = dict[str, tf.Tensor]


class RowPipeline(ABC):
    """Serves the rows of a corpus as batches of like length, in an order that the seed decides.

    What a batch holds depends on the corpus, the settings and the seed alone: an epoch that goes on at a later batch
    goes on with the same batches.

    Args:
        corpus: the rows.
        batch_size: rows a batch, at least 1.
        pad_to_multiple_of: lengths are rounded up to a multiple of this, at most to the longest row's. 1 pads least;
            the corpus' `max_sequence_length` gives every batch one shape, which a compiler that traces shapes needs.

    Attributes:
        lengths: int32 (rows,), tokens of each row, special tokens counted.
        steps_per_epoch: batches of an epoch; the rows that fill no batch are left out, others each epoch.
        order: int64 (rows,), the row numbers in the order of `ordered()`.

    Raises:
        ValueError: an argument is out of range, or the corpus does not fill a batch.
    """

    def __init__(self, corpus: SegmentedCorpus, batch_size: int, pad_to_multiple_of: int) -> None:
        for name, value in (("batch_size", batch_size), ("pad_to_multiple_of", pad_to_multiple_of)):
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be an integer of at least 1, but is {value!r}")
        self.corpus = corpus
        self.batch_size = batch_size
        self.pad_to_multiple_of = pad_to_multiple_of
        self.lengths = corpus.lengths
        self.order = np.argsort(corpus.lengths, kind="stable")
        self.steps_per_epoch = len(corpus) // batch_size
        with tf.device("CPU"):
            self._pieces = [tf.constant(pieces) for pieces in corpus.pieces]
            self._starts = [tf.constant(starts) for starts in corpus.starts]
            self._ends = [tf.constant(ends) for ends in corpus.ends]
        signature = [tf.TensorSpec([None], tf.int64), tf.TensorSpec([], tf.int64)]
        self._graph = tf.function(self._make, input_signature=signature, autograph=False)  # traced once for all epochs

    def epoch(self, seed: int, skip: int = 0) -> tf.data.Dataset:
        """Returns one shuffled epoch.

        Args:
            seed: non-negative seed of order and corruption; pass another one each epoch.
            skip: how many batches to leave out at the front; they are never made, so it costs nothing.

        Returns:
            A data set of known cardinality; all batches are full.

        Raises:
            ValueError: for a skip outside [0, steps_per_epoch], or a corpus that does not fill a batch.
        """
        if not self.steps_per_epoch:
            raise ValueError(f"{len(self.corpus)} rows do not fill a batch of {self.batch_size}; make it smaller")
        if not 0 <= skip <= self.steps_per_epoch:
            raise ValueError(
                f"skip must lie in [0, {self.steps_per_epoch}], the batches of an epoch, received {skip}; "
                "begin a new epoch"
            )
        order, starts = shuffled_rows(self.lengths, self.batch_size, seed)
        starts = starts[starts + self.batch_size <= len(order)]
        return self._batches(order, starts[skip:], seed)

    def stream(self, seed: int, start: int = 0) -> Iterator[Batch]:
        """Returns the batches of epoch after epoch, without an end.

        Args:
            seed: non-negative seed of the run; each epoch derives one of its own from it.
            start: the step to begin at, counted from 0 over all epochs: what a resumed run has done already.

        Raises:
            ValueError: the start is negative, or the corpus does not fill a batch.
        """
        if start < 0:
            raise ValueError(f"start must be at least 0, but is {start}; it counts the steps that were done")
        number, skip = divmod(start, max(self.steps_per_epoch, 1))
        while True:
            yield from self.epoch(key_of(seed, number), skip)
            number, skip = number + 1, 0

    def ordered(self, seed: int = 0) -> tf.data.Dataset:
        """Returns every row once, shortest first, for evaluation; the same seed corrupts the same places.

        Args:
            seed: non-negative seed of the corruption.

        Returns:
            A data set of known cardinality; the last batch may be smaller. Its row i is row `order[i]` of the corpus.
        """
        return self._batches(self.order, np.arange(0, len(self.order), self.batch_size), seed)

    @abstractmethod
    def _make(self, rows: tf.Tensor, seed: tf.Tensor) -> Batch:
        """One batch of the rows with these numbers, int64 (batch,), with a seed, int64 (), as graph code."""

    def _batches(self, order: np.ndarray, starts: np.ndarray, seed: int) -> tf.data.Dataset:
        """Cuts batches out of an order of rows: one batch begins at each start."""
        with tf.device("CPU"):  # where tf.data reads them, also beside a GPU
            rows, starts = tf.constant(order, tf.int64), tf.constant(starts, tf.int64)
            key = tf.constant(seed, tf.int64)
        options = tf.data.Options()
        options.deterministic = True
        batches = tf.data.Dataset.from_tensor_slices(starts).map(
            lambda start: self._graph(rows[start : start + self.batch_size], key), num_parallel_calls=tf.data.AUTOTUNE
        )
        return batches.prefetch(_PREFETCHED_BATCHES).with_options(options)

    def _rows_of(self, part: int, rows: tf.Tensor) -> tf.RaggedTensor:
        """The pieces of rows by one vocabulary, in its own ids; int32 (batch, ragged)."""
        index = tf.ragged.range(tf.gather(self._starts[part], rows), tf.gather(self._ends[part], rows))
        return index.with_flat_values(tf.cast(tf.gather(self._pieces[part], index.flat_values), tf.int32))

    def _side(self, side: str, vocabulary: Vocabulary, corrupted: tf.RaggedTensor, labels: tf.RaggedTensor) -> Batch:
        """One sequence of a batch, with special tokens and padding; each int32 (batch, sequence)."""
        real = corrupted.row_lengths() + 2  # (batch,), [CLS] and [SEP] counted
        return {
            f"{side}_ids": self._framed(corrupted, vocabulary.start_id, vocabulary.end_id, vocabulary.padding_id),
            f"{side}_mask": tf.sequence_mask(real, self._width(real), dtype=tf.int32),
            f"{side}_labels": self._framed(labels, NOT_PREDICTED, NOT_PREDICTED, NOT_PREDICTED),
        }

    def _framed(self, values: tf.RaggedTensor, first: int, last: int | tf.Tensor, padding: int) -> tf.Tensor:
        """Rows with something before, behind (one value, or one for each row) and as padding; (batch, sequence)."""
        column = tf.stack([values.nrows(), 1])
        ends = [tf.broadcast_to(tf.cast(end, tf.int32)[..., tf.newaxis], column) for end in (first, last)]
        framed = tf.concat([ends[0], values, ends[1]], axis=1)  # (batch, ragged)
        return framed.to_tensor(padding, shape=tf.stack([values.nrows(), self._width(values.row_lengths() + 2)]))

    def _width(self, real: tf.Tensor) -> tf.Tensor:
        """How long rows of so many tokens (batch,) are padded."""
        multiple = self.pad_to_multiple_of
        width = -(-tf.reduce_max(real) // multiple) * multiple
        return tf.minimum(width, self.corpus.max_sequence_length)
