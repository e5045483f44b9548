"""From a trained FastBERT to a directory that TensorFlow Serving loads."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from fastbert_tf.checkpoints import SavedClassifier, load_classifier
from fastbert_tf.config import DEFAULT_SPEED
from fastbert_tf.evaluation import read_report
from fastbert_tf.export import export_saved_model
from fastbert_tf.recipes.digest import classifier_digest


def export_classifier(
    classifier: SavedClassifier,
    output: str | os.PathLike[str],
    version: int = 1,
    default_speed: float = DEFAULT_SPEED,
    evaluation: str | os.PathLike[str] | None = None,
    lowest_accuracy: float | None = None,
    overwrite: bool = False,
) -> Path:
    """Writes the SavedModel `output/version` with warm-up records and manifest.

    Args:
        classifier: the trained model with tokenizer and labels.
        output: the model's folder for the server; a version is a numbered folder in it.
        version: at least 1.
        default_speed: speed of requests that name none, in [0, 1].
        evaluation: folder of an evaluation whose curve the manifest shall carry, or None.
        lowest_accuracy: lowest accuracy on that curve that load control may go to, in [0, 1], or None.
        overwrite: whether a version that exists may be replaced.

    Returns:
        The version's folder.

    Raises:
        ValueError: an argument is out of range, the version exists, or the folder cannot be written; nothing is half
            written.
    """
    curve = None if evaluation is None else _curve_of(classifier, evaluation)
    return export_saved_model(
        output,
        model=classifier.model,
        tokenizer=classifier.tokenizer,
        label_names=classifier.label_names,
        is_pair=classifier.is_pair,
        version=version,
        default_speed=default_speed,
        curve=curve,
        lowest_accuracy=lowest_accuracy,
        overwrite=overwrite,
    )


def _curve_of(classifier: SavedClassifier, evaluation: str | os.PathLike[str]) -> dict[str, Any]:
    """Reads an evaluation's curve.

    Raises:
        ValueError: there is none, or it is another model's: its accuracy would be promised in this one's name.
    """
    report = read_report(evaluation)
    if report.model != classifier_digest(classifier):
        raise ValueError(f"{evaluation} evaluated another model; evaluate this one and name that folder")
    return report.curve.to_dict()


def export_model(model: str | os.PathLike[str], output: str | os.PathLike[str], **options: Any) -> Path:
    """As `export_classifier`, from the folder of a trained classifier."""
    return export_classifier(load_classifier(model), output, **options)
