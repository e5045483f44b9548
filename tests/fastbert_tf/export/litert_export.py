"""A LiteRT export of the small classifier, once a test process; tests of its reader use it too."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from small_classifier import LABELS, small_model, small_tokenizer

from fastbert_tf.export import export_litert

_HOLDERS: list[tempfile.TemporaryDirectory] = []  # keeps exports until the test process ends


@functools.cache
def litert_export(is_pair: bool = False) -> Path:
    """Returns the folder: float16, three layers, or two for pairs."""
    holder = tempfile.TemporaryDirectory()
    _HOLDERS.append(holder)
    return export_litert(
        Path(holder.name) / "lite",
        model=small_model(num_layers=2 if is_pair else 3),
        tokenizer=small_tokenizer(),
        label_names=LABELS,
        is_pair=is_pair,
        precision="float16",
        default_speed=0.4,
    )
