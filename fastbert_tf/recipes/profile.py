"""From a trained FastBERT to where its weights, arithmetic and time are."""

from __future__ import annotations

import os
from typing import Any

from fastbert_tf.checkpoints import SavedClassifier, load_classifier
from fastbert_tf.data import TextDataset
from fastbert_tf.evaluation import (
    Profile,
    ProfiledStack,
    keras_profiled,
    packed_profiled,
    profile_stack,
    profile_text,
    require_writable,
    write_profile,
)
from fastbert_tf.recipes.stacks import stack_of
from fastbert_tf.recipes.threads import set_threads

__all__ = ["profile_classifier", "profile_model", "profile_text"]


def profile_classifier(
    classifier: SavedClassifier,
    output: str | os.PathLike[str],
    precision: str | None = None,
    batch_size: int = 1,
    length: int = 128,
    repeats: int = 20,
) -> Profile:
    """Profiles a trained classifier and writes `profile.json`, a table and a picture.

    Args:
        classifier: the trained model with tokenizer and labels.
        output: folder of the profile.
        precision: `float32`, `bfloat16` or `int8` takes the stack that an export runs; None the trained Keras layers.
        batch_size: rows a call, at least 1.
        length: tokens a row, all of them real, 1 to the model's positions.
        repeats: timings of every call, at least 1; medians count.

    Raises:
        ValueError: an argument is out of range, or the folder cannot be written.
    """
    require_writable(output)
    profile = profile_stack(_profiled(classifier, precision), batch_size, length, repeats)
    write_profile(profile, output)
    return profile


def profile_model(
    model: str | os.PathLike[str],
    output: str | os.PathLike[str],
    intra_op_threads: int | None = None,
    inter_op_threads: int | None = None,
    **options: Any,
) -> Profile:
    """As `profile_classifier`, from the folder of a trained classifier, with this many threads.

    Args:
        model: what `save_classifier` wrote.
        output: folder of the profile.
        intra_op_threads: threads of an operation; 0 is one a processor.
        inter_op_threads: operations at a time; 0 is one a processor.
        **options: the other arguments of `profile_classifier`.

    Raises:
        RuntimeError: threads are named after TensorFlow has run something in this process.
    """
    require_writable(output)
    set_threads(intra_op_threads, inter_op_threads)
    return profile_classifier(load_classifier(model), output, **options)


def _profiled(classifier: SavedClassifier, precision: str | None) -> ProfiledStack:
    if precision is None:
        return keras_profiled(classifier.model)
    calibration = _any_rows(classifier) if precision == "int8" else None
    return packed_profiled(stack_of(classifier, precision, calibration), classifier.model.config)


def _any_rows(classifier: SavedClassifier) -> TextDataset:
    """Ranges change answers, not costs: the vocabulary itself is calibration enough."""
    text = " ".join(classifier.tokenizer.vocabulary.tokens[: classifier.tokenizer.max_sequence_length])
    return TextDataset([text], [text] if classifier.is_pair else None)
