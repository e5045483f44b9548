"""Weights of a dense layer as int8."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastbert_tf.inference.packed.int8_coding import Coding

LARGEST = 127
"""The largest weight; the range is symmetric."""
_SHRINKAGES = np.linspace(1.0, 0.7, 13)


@dataclass(frozen=True)
class Int8Weights:
    """The product of codes is `codes @ kernel * scale + bias`."""

    kernel: np.ndarray
    """int8 (inputs, outputs)."""
    scale: np.ndarray
    """float32 (outputs,)."""
    bias: np.ndarray
    """float32 (outputs,)."""


def int8_weights(kernel: np.ndarray, bias: np.ndarray, coding: Coding, seen: np.ndarray) -> Int8Weights:
    """Quantises a dense layer whose inputs are codes.

    The inputs' steps go into the kernel. Every output has a scale of its own: of some that cut off the largest weights,
    the one with the least squared error. The bias takes out the inputs' zeros, and the mean of all errors.

    Args:
        kernel: (inputs, outputs).
        bias: (outputs,).
        coding: of the inputs.
        seen: sample of the inputs (tokens, inputs).

    Returns:
        The weights.
    """
    stepped = coding.step[:, None] * kernel
    scale = _scales(stepped)
    rounded = _rounded(stepped, scale)
    exact_mean, coded_mean = seen.mean(axis=0, dtype=np.float64) @ kernel, coding.encode(seen).mean(axis=0) @ rounded
    return Int8Weights(
        kernel=rounded.astype(np.int8),
        scale=scale.astype(np.float32),
        bias=(bias + exact_mean - coded_mean * scale).astype(np.float32),
    )


def _scales(kernel: np.ndarray) -> np.ndarray:
    largest = np.maximum(np.abs(kernel).max(axis=0), np.finfo(np.float32).tiny * LARGEST)  # (outputs,)
    candidates = _SHRINKAGES[:, None] * largest / LARGEST  # (candidates, outputs)
    errors = [np.square(_rounded(kernel, scale) * scale - kernel).sum(axis=0) for scale in candidates]
    return np.take_along_axis(candidates, np.argmin(errors, axis=0)[None], axis=0)[0]


def _rounded(kernel: np.ndarray, scale: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(kernel / scale), -LARGEST, LARGEST)
