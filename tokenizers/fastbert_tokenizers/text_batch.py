"""Texts as users hold them (one string, lists, arrays, tensors) to a string tensor with a batch axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf

TextLike: TypeAlias = str | bytes | Sequence[str] | Sequence[bytes] | np.ndarray | tf.Tensor


def text_batch(text: TextLike, argument: str) -> tf.Tensor:
    """Texts as one string tensor.

    Args:
      text: one text or a batch of them: str, bytes, a sequence or array of these, or a string tensor of rank 0 or 1.
      argument: the name of the argument, for error messages.

    Returns:
      string (batch,); one text is a batch of one.

    Raises:
      ValueError: `text` holds something else.
    """
    if isinstance(text, tf.Tensor):
        return _checked_tensor(text, argument)
    if isinstance(text, (str, bytes)):
        text = [text]
    if not isinstance(text, Sequence) and np.ndim(text if hasattr(text, "__array__") else 0) != 1:
        raise ValueError(
            f"{argument} must be a string, a list or 1-D array of strings, or a string tensor, "
            f"received {type(text).__name__}: convert it to a list"
        )
    return tf.constant([_utf8(value, row, argument) for row, value in enumerate(text)], tf.string)  # (batch,)


def _checked_tensor(text: tf.Tensor, argument: str) -> tf.Tensor:
    """A string tensor of rank 0 or 1 as (batch,)."""
    if text.dtype != tf.string or text.shape.rank not in (0, 1):
        raise ValueError(
            f"{argument} must be a string tensor of shape () or (batch,), received {text.dtype.name} of shape "
            f"{text.shape}: reshape or squeeze it (in a graph, give the rank with set_shape)"
        )
    return text if text.shape.rank == 1 else text[tf.newaxis]  # (batch,)


def _utf8(value: Any, row: int, argument: str) -> bytes:
    """One text as bytes; lone surrogates become invalid UTF-8, which normalisation deletes."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", errors="surrogatepass")
    raise ValueError(
        f"{argument} must hold strings, but row {row} is {type(value).__name__} {value!r}: "
        "convert it, or pass an empty string where a text is missing"
    )
