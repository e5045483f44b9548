"""What all branches say about a data set: one forward pass, from which every curve is computed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from fastbert_tf.inference import Stack

FEATURES = ("token_ids", "segment_ids", "padding_mask")


@dataclass(frozen=True, eq=False)
class BranchOutputs:
    """The answers of all branches for all rows, in the order of the batches.

    Raises:
        ValueError: there are no rows, shapes disagree, a probability is not a number, or a label is no class.
    """

    probabilities: np.ndarray
    """float32 (rows, layers, classes)."""
    labels: np.ndarray | None
    """int32 (rows,); None for unlabelled rows."""
    lengths: np.ndarray
    """int32 (rows,), real tokens."""

    def __post_init__(self) -> None:
        shape = self.probabilities.shape
        if len(shape) != 3 or 0 in shape:
            raise ValueError(
                f"probabilities must be (rows, layers, classes) with at least 1 row, but are {shape}; evaluate on data"
            )
        for name in ("labels", "lengths"):
            value = getattr(self, name)
            if value is not None and value.shape != shape[:1]:
                raise ValueError(f"{name} must be ({shape[0]},), one a row, but are {value.shape}; pass all rows once")
        bad = np.flatnonzero(~np.isfinite(self.probabilities).all(axis=(1, 2)))
        if len(bad):
            raise ValueError(
                f"probabilities must be numbers, but row {bad[0]} and {len(bad) - 1} more hold NaN or infinity; "
                "the model has diverged: train it again with a lower learning rate"
            )
        self._check_labels()

    def _check_labels(self) -> None:
        classes = self.probabilities.shape[2]
        if self.labels is None:
            return
        wrong = np.flatnonzero((self.labels < 0) | (self.labels >= classes))
        if len(wrong):
            raise ValueError(
                f"labels must be 0 to {classes - 1}, but row {wrong[0]} has {self.labels[wrong[0]]}; "
                "evaluate with the label names that the model was trained with"
            )

    @property
    def predictions(self) -> np.ndarray:
        """Most probable class of every branch, int (rows, layers)."""
        return self.probabilities.argmax(axis=2)

    def take(self, rows: np.ndarray) -> BranchOutputs:
        """Returns the rows with these numbers, int (taken,), in this order; repeats are allowed."""
        labels = None if self.labels is None else self.labels[rows]
        return BranchOutputs(self.probabilities[rows], labels, self.lengths[rows])

    def __len__(self) -> int:
        return len(self.probabilities)


def predict_branches(stack: Stack, batches: Iterable[Any], progress: bool = False) -> BranchOutputs:
    """Runs all branches over all rows, once.

    Args:
        stack: the model, in the arithmetic that is evaluated.
        batches: features, or pairs of features and int labels (batch,). Features are a dict of int (batch, sequence)
            `token_ids`, `segment_ids` and `padding_mask`; each batch has its own padded length. All batches are
            labelled or none is.
        progress: whether to show a progress bar.

    Returns:
        The outputs, rows in the order of the batches.

    Raises:
        ValueError: there is no batch, or some batches are labelled and some are not.
    """
    predict = _probability_graph(stack)
    bar = keras.utils.Progbar(None, unit_name="batch") if progress else None
    probabilities, labels, lengths = [], [], []
    for batch in batches:
        features, batch_labels = batch if isinstance(batch, tuple) else (batch, None)
        features = {name: tf.cast(features[name], tf.int32) for name in FEATURES}
        mask = features["padding_mask"].numpy()  # (batch, sequence)
        probabilities.append(predict(features).numpy())
        if batch_labels is not None:
            labels.append(np.asarray(batch_labels, np.int32))
        lengths.append(mask.sum(axis=1, dtype=np.int32))
        if bar:
            bar.add(1)
    if bar:
        bar.update(len(probabilities), finalize=True)
    if not probabilities:
        raise ValueError("there is no batch to evaluate; the data set must have at least 1 row")
    if labels and len(labels) != len(probabilities):
        raise ValueError(f"{len(labels)} of {len(probabilities)} batches are labelled; label all of them or none")
    return BranchOutputs(
        np.concatenate(probabilities),
        np.concatenate(labels) if labels else None,
        np.concatenate(lengths),
    )


def _probability_graph(stack: Stack) -> Any:
    """Traces the model once for all batch shapes."""

    def probabilities(features: dict[str, tf.Tensor]) -> tf.Tensor:
        state, said = stack.start(features), []
        for index in range(stack.num_layers):
            state = stack.layer(index, state)
            said.append(stack.classify(index, state))
        return tf.stack(said, axis=1)  # float32 (batch, layers, classes)

    signature = {name: tf.TensorSpec([None, None], tf.int32) for name in FEATURES}
    return tf.function(probabilities, input_signature=[signature], autograph=False)
