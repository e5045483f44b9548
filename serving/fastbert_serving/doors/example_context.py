"""Features that the examples of a Classify request share."""

from __future__ import annotations

from collections.abc import Sequence

from tensorflow.core.example.example_pb2 import Example

from fastbert_serving.errors import InvalidRequest

MAX_SHARED_BYTES = 16 * 2**20
"""Most bytes of shared features, counted once an example: a small message may ask for terabytes of them."""


def with_context(context: Example, examples: Sequence[Example]) -> list[Example]:
    """Returns each example with the shared features; its own take precedence.

    Raises:
        InvalidRequest: the shared features are too large for so many examples.
    """
    size = context.ByteSize()
    if size * len(examples) > MAX_SHARED_BYTES:
        raise InvalidRequest(
            f"{len(examples)} examples share {size} bytes of features, but may have {MAX_SHARED_BYTES} in all; "
            "send fewer examples a request"
        )
    merged = []
    for example in examples:
        merged.append(Example())
        merged[-1].CopyFrom(context)
        merged[-1].MergeFrom(example)
    return merged
