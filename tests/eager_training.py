"""Training without tracing, for tests whose runs have a few steps: tracing would take nearly all of their time.

That compiled training does the same is what `test_killed_training.py` and `test_schedule.py` are for.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from unittest import mock

import tensorflow as tf

from fastbert_tf.training import AlternatingSchedule


@contextlib.contextmanager
def eager_functions() -> Iterator[None]:
    """Functions of TensorFlow run as Python inside."""
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)


def eager_training() -> Any:
    """`with eager_training():` schedules train eagerly; all else is compiled as ever."""
    run = AlternatingSchedule.run

    def run_eagerly(*args: Any, **kwargs: Any) -> Any:
        with eager_functions():
            return run(*args, **kwargs)

    return mock.patch.object(AlternatingSchedule, "run", run_eagerly)
