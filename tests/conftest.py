"""Quiets TensorFlow, and makes what lies beside the tests importable: their folders are no packages."""

import math
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before TensorFlow's first import


LONGEST_FILES = (
    "test_soak.py",
    "test_resume.py",
    "test_swaps.py",
    "test_fuzz_leaks.py",
    "test_backends.py",
    "test_killed_training.py",
    "test_schedule.py",
    "test_fuzz.py",
    "test_commands.py",
    "test_readme.py",
)
"""Begun first: a long file that begins last is what the other workers wait for."""


def pytest_collection_modifyitems(items):
    """Drops the `test_session` that every tf.test.TestCase inherits, which only reports itself as skipped; sorts."""
    items[:] = [item for item in items if getattr(item, "originalname", item.name) != "test_session"]
    items.sort(key=lambda item: LONGEST_FILES.index(item.path.name) if item.path.name in LONGEST_FILES else math.inf)
