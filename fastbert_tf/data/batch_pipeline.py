"""From a data set and a tokenizer to batches of rows of like length."""

from typing import Any

import numpy as np
import tensorflow as tf

from fastbert_tf.data.row_order import shuffled_rows
from fastbert_tf.data.text_dataset import TextDataset
from fastbert_tokenizers import WordPieceTokenizer

_TOKENIZER_ROWS = 4096  # rows tokenised at a time: bounds the memory of the tokenizer's intermediate results
_PREFETCHED_BATCHES = 8


class BatchPipeline:
    """Serves a data set as batches that are padded to their own longest row only.

    The rows are tokenised once, here, and their ids stay in memory: four bytes a token, eight in a pair task (the
    67,349 sentences of SST-2 take 4 MB). An epoch costs one shuffle of row numbers, and a batch one gather.

    An epoch is shuffled, cut into pools of 100 batches, sorted by length inside each pool and cut into batches,
    and the batches are shuffled again: rows of like length share a batch, the neighbours of a row change from
    epoch to epoch, and lengths come in no order. Every batch is full but one. The order depends on the seed, the
    rows' lengths and the batch size alone.

    Args:
        dataset: the rows.
        tokenizer: encodes the texts; its `max_sequence_length` is the longest row.
        batch_size: rows of a full batch.

    Attributes:
        lengths: int32 array (rows,), tokens of each row, special tokens included.
        steps_per_epoch: how many batches hold all rows.
        order: int64 array (rows,), the row numbers in the order of `ordered()`.

    Raises:
        ValueError: for a batch size below 1.
    """

    def __init__(self, dataset: TextDataset, tokenizer: WordPieceTokenizer, batch_size: int = 32):
        if not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
            raise ValueError(f"batch_size must be an integer of at least 1, received {batch_size!r}; correct it")
        self.dataset = dataset
        self.tokenizer = tokenizer
        self.batch_size = int(batch_size)
        with tf.device("CPU"):
            self._token_ids, self._segment_ids = _tokenize(dataset, tokenizer)
        self.lengths: np.ndarray = self._token_ids.row_lengths().numpy().astype(np.int32)
        self.order: np.ndarray = np.argsort(self.lengths, kind="stable")
        self.steps_per_epoch: int = -(-len(dataset) // self.batch_size)

    def epoch(self, seed: int, skip: int = 0) -> tf.data.Dataset:
        """Returns one shuffled epoch.

        Args:
            seed: non-negative seed of the order; pass another one each epoch (for example seed + epoch number).
            skip: how many batches to leave out at the front, to go on in the middle of an epoch; they are never
                made, so it costs nothing.

        Returns:
            A data set of known cardinality that yields `(features, labels)`, or `features` for unlabelled rows:
            features is a dict of `token_ids`, `segment_ids`, `padding_mask`, each int32 (batch, longest row), labels
            is int32 (batch,).

        Raises:
            ValueError: for a skip outside [0, steps_per_epoch].
        """
        if not 0 <= skip <= self.steps_per_epoch:
            raise ValueError(
                f"skip must lie in [0, {self.steps_per_epoch}], the batches of an epoch, received {skip}; "
                "begin a new epoch"
            )
        order, starts = shuffled_rows(self.lengths, self.batch_size, seed)
        return self._batches(order, starts[skip:])

    def ordered(self) -> tf.data.Dataset:
        """Returns every row once, shortest first, for evaluation.

        Returns:
            A data set like that of `epoch`; its row i is row `order[i]` of the data set.
        """
        return self._batches(self.order, np.arange(self.steps_per_epoch) * self.batch_size)

    def _batches(self, order: np.ndarray, starts: np.ndarray) -> tf.data.Dataset:
        """Cuts batches out of an order of rows: one batch begins at each start."""
        padding_id = self.tokenizer.vocabulary.padding_id
        token_ids, segment_ids = self._token_ids, self._segment_ids
        with tf.device("CPU"):  # where tf.data reads them, also beside a GPU
            rows, starts = tf.constant(order, tf.int64), tf.constant(starts, tf.int64)
            labels = None if self.dataset.labels is None else tf.constant(self.dataset.labels)

        def batch(start: tf.Tensor) -> Any:
            chosen = rows[start : start + self.batch_size]  # (batch,), the slice ends where the rows do
            ragged = tf.gather(token_ids, chosen)  # (batch, ragged)
            ids = ragged.to_tensor(padding_id)  # (batch, seq)
            segments = tf.zeros_like(ids) if segment_ids is None else tf.gather(segment_ids, chosen).to_tensor()
            mask = tf.sequence_mask(ragged.row_lengths(), dtype=tf.int32)
            features = {"token_ids": ids, "segment_ids": segments, "padding_mask": mask}
            return features if labels is None else (features, tf.gather(labels, chosen))

        options = tf.data.Options()
        options.deterministic = True
        batches = tf.data.Dataset.from_tensor_slices(starts).map(batch)
        return batches.prefetch(_PREFETCHED_BATCHES).with_options(options)


def _tokenize(dataset: TextDataset, tokenizer: WordPieceTokenizer) -> tuple[tf.RaggedTensor, tf.RaggedTensor | None]:
    """Returns the token ids (rows, ragged) and, for pairs, the segment ids; a single text is all segment 0."""
    token_ids, segment_ids = [], []
    for start in range(0, len(dataset), _TOKENIZER_ROWS):
        rows = slice(start, start + _TOKENIZER_ROWS)
        pairs = None if dataset.text_pairs is None else tf.constant(dataset.text_pairs[rows])
        encoded = tokenizer.encode(tf.constant(dataset.texts[rows]), pairs)
        token_ids.append(tf.cast(encoded["token_ids"], tf.int32))
        if dataset.is_pair:
            segment_ids.append(tf.cast(encoded["segment_ids"], tf.int32))
    return tf.concat(token_ids, 0), tf.concat(segment_ids, 0) if dataset.is_pair else None
