"""What one request may ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fastbert_serving.errors import InvalidRequest


class LimitExceeded(InvalidRequest):
    """The request is larger than this server takes."""


@dataclass(frozen=True)
class Limits:
    """Bounds on the work of one request, checked before any is done.

    Raises:
        ValueError: a limit is below 1.
    """

    max_rows: int = 1024
    """Rows of a request. Memory grows with it, times the requests computed at once."""
    max_text_bytes: int = 2 * 2**20
    """Bytes of one text, or of one serialised tf.Example."""

    def __post_init__(self) -> None:
        for name in ("max_rows", "max_text_bytes"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, but is {getattr(self, name)}")

    def check(self, inputs: Mapping[str, np.ndarray]) -> None:
        """Compares a request with the limits.

        Args:
            inputs: arrays by input name; strings as object arrays of `bytes`.

        Raises:
            LimitExceeded: it has too many rows, or too long a text.
        """
        for alias, array in inputs.items():
            self.check_rows(alias, len(array) if array.ndim else 1)  # a signature will refuse a scalar
            if array.dtype == object:
                self._check_texts(alias, array)

    def check_rows(self, alias: str, rows: int) -> None:
        """As `check`, of the rows of the input `alias`."""
        if rows > self.max_rows:
            raise LimitExceeded(
                f"input {alias!r} must have at most {self.max_rows} rows, but has {rows}; send fewer rows a request"
            )

    def _check_texts(self, alias: str, array: np.ndarray) -> None:
        for index, text in enumerate(array.flat):
            if len(text) > self.max_text_bytes:
                raise LimitExceeded(
                    f"input {alias!r} must hold texts of at most {self.max_text_bytes} bytes, but text {index} has "
                    f"{len(text)}; shorten it: a model reads the beginning alone"
                )
