"""Input checks inside the exported graph: any server that runs it answers INVALID_ARGUMENT with plain words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import tensorflow as tf

from fastbert_tf.config import BackboneConfig


class Check(NamedTuple):
    """A rule of an input."""

    holds: tf.Tensor
    """bool scalar."""
    complaint: Callable[[], tf.Tensor]
    """Builds the error message, a string scalar; its ops run only where the rule is broken."""


def checked(inputs: dict[str, tf.Tensor], checks: Sequence[Check]) -> dict[str, tf.Tensor]:
    """Passes tensors on, once every check has held; the first broken one ends the request.

    Nothing that reads the result runs before the checks: without that control dependency an obscure error of a later
    op could come first, and a loader that prunes the graph to its outputs could drop the checks.

    Args:
        inputs: tensors to pass on.
        checks: the rules, in order.

    Returns:
        `inputs`, unchanged.
    """
    gates: list[tf.Tensor] = []
    for check in checks:
        with tf.control_dependencies(gates):
            gates = [tf.cond(check.holds, lambda: tf.constant(True), lambda check=check: _fail(check.complaint()))]
    with tf.control_dependencies(gates):
        return {name: tf.identity(value) for name, value in inputs.items()}


def same_rows(inputs: dict[str, tf.Tensor]) -> Check:
    """All inputs have one row a request row; they are (rows,) or (rows, ...)."""
    names, rows = list(inputs), [tf.shape(value)[0] for value in inputs.values()]

    def complaint() -> tf.Tensor:
        counts = [f"{name} has " + tf.as_string(count) for name, count in zip(names, rows, strict=True)]
        return "inputs need the same number of rows, but " + _listed(counts)

    return Check(tf.reduce_all(tf.equal(tf.stack(rows), rows[0])), complaint)


def same_shape(inputs: dict[str, tf.Tensor]) -> Check:
    """All inputs, each (rows, sequence), agree in both axes."""
    names, shapes = list(inputs), tf.stack([tf.shape(value) for value in inputs.values()])  # (inputs, 2)

    def complaint() -> tf.Tensor:
        each = [f"{name} is " + tf.strings.format("{}", shapes[i]) for i, name in enumerate(names)]
        return "token inputs need the same shape, but " + _listed(each)

    return Check(tf.reduce_all(tf.equal(shapes, shapes[0])), complaint)


def in_range(name: str, value: tf.Tensor, lowest: float, highest: float) -> Check:
    """Every element lies in [lowest, highest]; NaN does not. `value` is (rows,) or (rows, ...)."""
    bad = ~((value >= lowest) & (value <= highest))

    def complaint() -> tf.Tensor:
        place = tf.where(bad)[0]  # (axes,)
        row, found = tf.as_string(place[0]), tf.as_string(tf.gather_nd(value, place), shortest=value.dtype.is_floating)
        return tf.strings.join([f"{name} must be in [{lowest}, {highest}], but row ", row, " holds ", found])

    return Check(~tf.reduce_any(bad), complaint)


def at_least(name: str, value: tf.Tensor, lowest: int) -> Check:
    """Every element of `value` (rows,) is at least `lowest`; NaN is not."""
    bad = (value < lowest) | tf.math.is_nan(value)  # Grappler makes < of a negated >=, which NaN passes

    def complaint() -> tf.Tensor:
        row = tf.where(bad)[0, 0]
        found = tf.as_string(value[row], shortest=value.dtype.is_floating)
        return tf.strings.join([f"{name} must be at least {lowest}, but row ", tf.as_string(row), " holds ", found])

    return Check(~tf.reduce_any(bad), complaint)


def has_real_tokens(padding_mask: tf.Tensor) -> Check:
    """Every row of the int32 (rows, sequence) mask has a 1: attention over padding alone depends on its length."""
    empty = ~tf.reduce_any(padding_mask > 0, axis=-1)  # (rows,)

    def complaint() -> tf.Tensor:
        row = tf.as_string(tf.where(empty)[0, 0])
        return tf.strings.join(["every row needs at least one real token, but row ", row, " has none"])

    return Check(~tf.reduce_any(empty), complaint)


def token_checks(inputs: dict[str, tf.Tensor], limits: BackboneConfig) -> list[Check]:
    """Rules of `token_ids`, `segment_ids` and `padding_mask`, each int32 (rows, sequence)."""
    length = tf.shape(inputs["token_ids"])[1]

    def complaint() -> tf.Tensor:
        rule = f"token_ids must be 1 to {limits.max_sequence_length} tokens long, but are "
        return rule + tf.as_string(length)

    return [
        same_shape(inputs),
        Check((length >= 1) & (length <= limits.max_sequence_length), complaint),
        in_range("token_ids", inputs["token_ids"], 0, limits.vocabulary_size - 1),
        in_range("segment_ids", inputs["segment_ids"], 0, limits.num_segments - 1),
        in_range("padding_mask", inputs["padding_mask"], 0, 1),
        has_real_tokens(inputs["padding_mask"]),
    ]


def _listed(parts: list[tf.Tensor]) -> tf.Tensor:
    return tf.strings.join(parts, separator=", ")


def _fail(message: tf.Tensor) -> tf.Tensor:
    with tf.control_dependencies([tf.debugging.Assert(False, [message])]):
        return tf.constant(False)
