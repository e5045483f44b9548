"""Random numbers that depend on a key and a place alone: no state, no order, no neighbours.

TensorFlow's stateless ops draw a whole tensor from one key, so that a number depends on the tensor's shape: on how
rows were put into batches. Here every number is a hash of its own coordinates.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

_GOLDEN = 0x9E3779B9  # 2**32 / golden ratio: spreads neighbouring coordinates over the range
_FACTORS = (
    0x7FEB352D,
    0x846CA68B,
)  # full-avalanche constants for shifts of 16, 15 and 16 (C. Wellons' hash prospector)


def keyed_uniform(seed: int | tf.Tensor, *coordinates: int | tf.Tensor) -> tf.Tensor:
    """Uniform random numbers, each a function of the seed and its own coordinates.

    Args:
      seed: the key, an integer or a scalar tensor of an integer type.
      *coordinates: integers or integer tensors of shapes that broadcast, such as row, word and what is drawn. Of
        every number the lowest 32 bits count.

    Returns:
      float32 in [0, 1), of the broadcast shape; multiples of 2**-24.
    """
    state = _hash((seed, *coordinates))
    return tf.cast(tf.bitwise.right_shift(state, tf.constant(8, tf.uint32)), tf.float32) * 2.0**-24


def key_of(*parts: int) -> int:
    """One key out of several, such as a run's seed and the number of an epoch; 32 bits.

    Args:
      *parts: integers of at least 0.
    """
    return int(_hash(parts))


def _hash(parts: Sequence[int | tf.Tensor]) -> tf.Tensor:
    """Mixes the parts in one after the other; uint32 of their broadcast shape."""
    state = tf.constant(0, tf.uint32)
    for part in parts:
        state = _mix(state ^ (_uint32(part) + tf.constant(1, tf.uint32)) * tf.constant(_GOLDEN, tf.uint32))
    return state


def _uint32(value: int | tf.Tensor) -> tf.Tensor:
    if isinstance(value, int):
        return tf.constant(value & 0xFFFFFFFF, tf.uint32)
    return tf.cast(value, tf.uint32)


def _mix(state: tf.Tensor) -> tf.Tensor:
    """Lets every bit change every other: a bijection of 32-bit numbers."""
    for shift, factor in zip((16, 15), _FACTORS, strict=True):
        state = (state ^ tf.bitwise.right_shift(state, tf.constant(shift, tf.uint32))) * tf.constant(factor, tf.uint32)
    return state ^ tf.bitwise.right_shift(state, tf.constant(16, tf.uint32))
