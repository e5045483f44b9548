"""From a trained FastBERT to a folder for a small device."""

from __future__ import annotations

import os
from pathlib import Path

from fastbert_tf.checkpoints import load_classifier
from fastbert_tf.config import DEFAULT_SPEED
from fastbert_tf.export import check_litert, export_litert
from fastbert_tf.recipes.exits import ExitRequest


def export_litert_model(
    model: str | os.PathLike[str],
    output: str | os.PathLike[str],
    precision: str = "int8",
    default_speed: float = DEFAULT_SPEED,
    exits: str | None = None,
    overwrite: bool = False,
) -> Path:
    """Writes a LiteRT file with vocabulary, manifest and a reader in Python.

    Args:
        model: folder of a trained classifier.
        output: the folder to write.
        precision: of the stored weights, `float16` or `int8`.
        default_speed: speed where the app names none, in [0, 1].
        exits: `all`, or layers whose branch is on, with commas between, the last one included; None for all.
        overwrite: whether an older LiteRT export may be replaced.

    Returns:
        The folder.

    Raises:
        ValueError: an argument is out of range, or the folder exists or cannot be written; nothing is half written.
    """
    check_litert(output, precision, overwrite)
    request = ExitRequest.of("all" if exits is None else exits)
    if request.measured:
        raise ValueError(
            "exits of a LiteRT file must be all, or layers with commas between: its device is not here to be timed"
        )
    classifier = load_classifier(model)
    return export_litert(
        output,
        model=classifier.model,
        tokenizer=classifier.tokenizer,
        label_names=classifier.label_names,
        is_pair=classifier.is_pair,
        precision=precision,
        default_speed=default_speed,
        exits=request.layers,
        overwrite=overwrite,
    )
