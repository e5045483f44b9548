"""Which parts take the time of an int8 call, by TensorFlow's profiler: one text, and a batch, on one thread."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from fastbert_tf.checkpoints import load_classifier
from fastbert_tf.recipes.profile import profile_classifier
from harness.performance.names import INT8
from harness.performance.settings import Settings

TASK = "sst2"
LENGTH = 25
"""Tokens a row: SST-2's mean."""
BATCH_SIZES = (1, 16)
"""One row, and as many as the server gives to a thread."""


def measure(settings: Settings) -> dict[str, Any]:
    """Profiles all layers and branches in this process.

    Returns:
        `profiles`: a `Profile` a batch size, as JSON types.
    """
    classifier = load_classifier(settings.classifiers[TASK])
    precision = INT8.split()[-1]
    with tempfile.TemporaryDirectory() as folder:
        return {
            "profiles": [
                profile_classifier(classifier, Path(folder) / str(size), precision, size, LENGTH).to_dict()
                for size in BATCH_SIZES
            ]
        }
