"""TensorFlow's threads in this process."""

from __future__ import annotations

import tensorflow as tf


def set_threads(intra_op_threads: int | None = None, inter_op_threads: int | None = None) -> None:
    """Sets how many threads TensorFlow takes; one each is what fits the graphs of this package best.

    Args:
        intra_op_threads: threads of an operation; 0 is one a processor, and None is 1 unless TensorFlow has run
            something in this process: then it keeps what it has.
        inter_op_threads: operations at a time; likewise. -1, a server's calling thread, is 1 here.

    Raises:
        ValueError: a number is too low.
        RuntimeError: TensorFlow has run something in this process with another number.
    """
    if (intra_op_threads or 0) < 0 or (inter_op_threads or 0) < -1:
        raise ValueError(
            f"threads must be at least 0 within and -1 between operations, but are {intra_op_threads} and "
            f"{inter_op_threads}"
        )
    threading = tf.config.threading
    for threads, set_number in (
        (intra_op_threads, threading.set_intra_op_parallelism_threads),
        (inter_op_threads, threading.set_inter_op_parallelism_threads),
    ):
        try:
            set_number(1 if threads is None else abs(threads))
        except RuntimeError:
            if threads is not None:
                raise
