"""The stack that is evaluated and exported, by its arithmetic."""

from __future__ import annotations

import numpy as np

from fastbert_tf.checkpoints import SavedClassifier
from fastbert_tf.data import BatchPipeline, TextDataset
from fastbert_tf.inference import FloatStack, Int8Stack, SavableStack, check_int8, sample_activations
from fastbert_tf.inference.packed import PRECISIONS
from fastbert_tf.recipes.digest import texts_digest

CALIBRATION_ROWS = 512
"""Rows that int8 is fitted to, at most."""
_SEED = 0


def stack_of(
    classifier: SavedClassifier, precision: str = "float32", calibration: TextDataset | None = None
) -> SavableStack:
    """Builds a stack over real tokens alone: the same one from the same arguments.

    Args:
        classifier: the trained model with its tokenizer.
        precision: `float32`, `bfloat16` or `int8`.
        calibration: rows that look like the real inputs, such as training rows; for `int8` alone.

    Raises:
        ValueError: the precision is unknown; or `int8` has no calibration rows, or they do not fit the classifier, or
            another precision has some.
        Int8Unavailable: this TensorFlow cannot compute in int8.
    """
    check_stack(classifier, precision, calibration)
    if calibration is None:
        return FloatStack(classifier.model, precision)
    batches = BatchPipeline(fitted_rows(calibration), classifier.tokenizer).ordered()
    inputs = (batch[0] if isinstance(batch, tuple) else batch for batch in batches)
    return Int8Stack(classifier.model, sample_activations(classifier.model, inputs))


def fitted_rows(calibration: TextDataset) -> TextDataset:
    """Returns those of the rows that int8 is fitted to."""
    return calibration.take(np.random.default_rng(_SEED).permutation(len(calibration))[:CALIBRATION_ROWS])


def check_stack(classifier: SavedClassifier, precision: str, calibration: TextDataset | None) -> None:
    """Raises what `stack_of` would, in no time."""
    if precision not in (*PRECISIONS, "int8"):
        raise ValueError(f"precision must be one of {sorted([*PRECISIONS, 'int8'])}, but is {precision!r}")
    if (precision == "int8") != (calibration is not None):
        wanted = "needs calibration rows, such as training rows" if precision == "int8" else "takes no calibration rows"
        raise ValueError(f"precision {precision} {wanted}")
    if calibration is None:
        return
    if calibration.is_pair != classifier.is_pair:
        raise ValueError("calibration rows and classifier must both be of single texts, or both of pairs")
    check_int8()


def calibration_digest(calibration: TextDataset | None) -> str:
    """Tells calibration rows from others; empty for none."""
    return "" if calibration is None else texts_digest(calibration)
