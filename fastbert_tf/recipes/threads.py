"""TensorFlow's threads in this process."""

from __future__ import annotations

import tensorflow as tf


def set_threads(intra_op_threads: int = 0, inter_op_threads: int = 0) -> None:
    """Sets how many threads TensorFlow takes.

    Args:
        intra_op_threads: threads of an operation; 0 leaves it at one a processor.
        inter_op_threads: operations at a time; 0 leaves it at one a processor.

    Raises:
        ValueError: a number is negative.
        RuntimeError: TensorFlow has run something in this process.
    """
    if min(intra_op_threads, inter_op_threads) < 0:
        raise ValueError(f"threads must be at least 0, but are {intra_op_threads} and {inter_op_threads}")
    if intra_op_threads:
        tf.config.threading.set_intra_op_parallelism_threads(intra_op_threads)
    if inter_op_threads:
        tf.config.threading.set_inter_op_parallelism_threads(inter_op_threads)
