"""TensorFlow Serving's batching parameters, as a starting point for the operator."""

from __future__ import annotations

BATCH_ROWS = 16
"""A larger batch is no cheaper a row, but keeps other processors idle."""
BATCH_TIMEOUT_MICROS = 1000
MAX_ENQUEUED_BATCHES = 20


def batching_parameters() -> str:
    """Returns the text of a `batching_params.pbtxt` (`--batching_parameters_file`).

    A request may have as many rows as the queue: the stock server has no place for more. `num_batch_threads` is left
    out: the server then takes one a core of its own machine. `allowed_batch_sizes`, too: on a CPU padding only costs.
    """
    return f"""\
max_batch_size {{ value: {MAX_ENQUEUED_BATCHES * BATCH_ROWS} }}
enable_large_batch_splitting {{ value: true }}
max_execution_batch_size {{ value: {BATCH_ROWS} }}
batch_timeout_micros {{ value: {BATCH_TIMEOUT_MICROS} }}
max_enqueued_batches {{ value: {MAX_ENQUEUED_BATCHES} }}
"""
