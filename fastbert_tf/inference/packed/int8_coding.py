"""How real numbers stand for uint8 codes, and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

LEVELS = 255
"""The highest code."""
SHARES = (1.0, 0.85, 0.7, 0.55, 0.4, 0.3, 0.2)
"""Parts of the seen range that `fitted` tries to cover."""
_SMALLEST = 1e-6  # a channel that never moves still needs a step


@dataclass(frozen=True)
class Coding:
    """Code `c` of channel `j` stands for `(c - zero[j]) * step[j]`.

    The ranges are fixed when the model is built, so a row's codes never depend on its neighbours.
    """

    step: np.ndarray
    """Float64 (channels,), above 0: the distance of two codes."""
    zero: np.ndarray
    """Float64 (channels,): where 0 lies among the codes; any real number."""

    @classmethod
    def by_channel(cls, low: np.ndarray, high: np.ndarray) -> Coding:
        """Gives every channel (channels,) a step of its own."""
        return cls._between(low, high, high - low)

    @classmethod
    def one_step(cls, low: np.ndarray, high: np.ndarray) -> Coding:
        """Gives all channels (channels,) the step of the widest one, and each a zero of its own."""
        return cls._between(low, high, np.full_like(low, np.max(high - low)))

    @classmethod
    def one_range(cls, low: np.ndarray, high: np.ndarray) -> Coding:
        """Gives all channels (channels,) one step and one zero."""
        return cls.by_channel(np.full_like(low, low.min()), np.full_like(high, high.max()))

    @classmethod
    def _between(cls, low: np.ndarray, high: np.ndarray, width: np.ndarray) -> Coding:
        step = np.maximum(width.astype(np.float64), _SMALLEST) / LEVELS
        return cls(step, LEVELS / 2 - (low + high) / 2 / step)

    @property
    def shift(self) -> np.ndarray:
        """What is added to `x / step` before `codes`: `zero`, and a half, since `codes` cuts off."""
        return self.zero + 0.5

    def encode(self, x: np.ndarray) -> np.ndarray:
        """Returns the codes of (tokens, channels), as float64."""
        return np.floor(np.clip(x / self.step + self.shift, 0, LEVELS))

    def error(self, x: np.ndarray) -> np.ndarray:
        """Returns what coding adds to (tokens, channels)."""
        return (self.encode(x) - self.zero) * self.step - x


def fitted(make: Callable[[np.ndarray, np.ndarray], Coding], seen: np.ndarray, kernel: np.ndarray) -> Coding:
    """Chooses how much of the seen range is covered: less of it is finer, but cuts off what lies outside.

    Args:
        make: makes a coding from the channels' lowest and highest numbers.
        seen: sample of the numbers (tokens, channels).
        kernel: (channels, outputs) of the product that reads the codes.

    Returns:
        The coding with the least squared error of the product.
    """
    middle = np.median(seen, axis=0).astype(np.float64)
    low, high = seen.min(axis=0) - middle, seen.max(axis=0) - middle
    tried = [make(middle + share * low, middle + share * high) for share in SHARES]
    return min(
        tried, key=lambda coding: np.square(coding.error(seen).astype(np.float32) @ kernel.astype(np.float32)).sum()
    )


def codes(shifted: tf.Tensor) -> tf.Tensor:
    """Returns the uint8 codes of `x / step + shift`, float32; what lies outside the range gets the nearest code."""
    return tf.cast(tf.clip_by_value(shifted, 0.0, float(LEVELS)), tf.uint8)
