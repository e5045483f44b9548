"""A student's first weights, fitted to its teacher layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from fastbert_tf.config import BackboneConfig
from fastbert_tf.layers import EncoderBlock
from fastbert_tf.models.backbone import Backbone
from fastbert_tf.models.student_config import checked_layer_map
from fastbert_tf.models.word_encoder import WordEncoder

_RIDGE = 1e-3  # of the inputs' mean variance: what little text shows must not decide large weights

Array = np.ndarray


def inherit_weights(
    student: WordEncoder,
    teacher: Backbone,
    spellings: Sequence[Sequence[int]],
    token_ids: Array,
    padding_mask: Array,
    layer_map: Sequence[int] | None = None,
) -> None:
    """Gives a narrower student weights that imitate its teacher's on some text; only least squares, no training.

    The student's states stand for the teacher's in the principal components of these, as many as it is wide. Tables
    are projected on them. Going up layer by layer, a block takes the teacher's heads and inner neurons that move its
    output most, reads them through the best linear guess at the teacher's state, and writes what, by least squares,
    comes nearest to the teacher's output; layer norms and lifts are fitted likewise. Each fit sees the student's own
    states, so that it also mends what the layers before it left.

    Args:
        student: with lifts to the teacher's width; its heads are as wide as the teacher's.
        teacher: the pretrained encoder.
        spellings: for every piece of the student's vocabulary, the teacher's pieces that spell it, at least one.
        token_ids: int (batch, sequence), some thousand tokens of text in the teacher's pieces.
        padding_mask: int (batch, sequence), 1 on tokens.
        layer_map: the teacher's layer, counted from 1, for every layer of the student; None maps layer i to layer i.

    Raises:
        ValueError: the layers do not map, or the student's heads or layers are not part of the teacher's.
    """
    require_inheritable(student.config, teacher.config)
    layers = checked_layer_map(layer_map, teacher.config.num_layers, student.config.num_layers)
    embedded, steps = _teacher_steps(teacher, token_ids, padding_mask)
    levels = [embedded, *(steps[layer - 1].output for layer in layers)]
    real = np.asarray(padding_mask) == 1  # (batch, sequence)
    basis = _principal_components([states[real] for states in levels], student.config.hidden_dim)
    hidden = _inherit_embeddings(student, teacher, spellings, token_ids, embedded, basis, real)
    _fit(student.lifts[0], hidden[real], embedded[real])
    for block, lift, layer in zip(student.backbone.blocks, student.lifts[1:], layers, strict=True):
        fit = _BlockFit(block, teacher.blocks[layer - 1], steps[layer - 1], basis, padding_mask)
        hidden = fit.feed_forward(fit.attention(hidden))
        _fit(lift, hidden[real], steps[layer - 1].output[real])


def require_inheritable(narrow: BackboneConfig, wide: BackboneConfig) -> None:
    """Refuses shapes that are no part of the teacher's.

    Raises:
        ValueError: the student's heads are not as wide as the teacher's, or it has more of something.
    """
    sizes = {"narrow": narrow.hidden_dim // narrow.num_heads, "wide": wide.hidden_dim // wide.num_heads}
    if sizes["narrow"] != sizes["wide"]:
        raise ValueError(
            f"inherited heads are as wide as the teacher's, {sizes['wide']} units, but the student has "
            f"{narrow.num_heads} of {sizes['narrow']}; choose other heads, or random weights"
        )
    if narrow.intermediate_dim > wide.intermediate_dim or narrow.max_sequence_length > wide.max_sequence_length:
        raise ValueError(
            f"a student of {narrow.intermediate_dim} inner units and {narrow.max_sequence_length} positions cannot "
            f"inherit from {wide.intermediate_dim} and {wide.max_sequence_length}; make it smaller, or start at random"
        )


@dataclass(frozen=True)
class _Step:
    """What one of the teacher's layers computes, each (batch, sequence, units)."""

    hidden: Array
    """What it reads."""
    pooled: Array
    """What its heads found."""
    attended: Array
    """Residual sum before the first layer norm."""
    middle: Array
    """After it."""
    inner: Array
    """Activations of the feed-forward layer."""
    summed: Array
    """Residual sum before the last layer norm."""
    output: Array
    """After it."""


def _teacher_steps(teacher: Backbone, token_ids: Array, padding_mask: Array) -> tuple[Array, list[_Step]]:
    """The embeddings' output and the steps of every layer."""
    hidden = embedded = teacher.embeddings(token_ids, np.zeros_like(token_ids), training=False)
    steps = []
    for block in teacher.blocks:
        pooled = block.attention.pool(hidden, hidden, padding_mask, training=False)
        attended = hidden + block.attention.output_projection(pooled)
        middle = block.attention_norm(attended)
        inner = _activated(block, block.intermediate(middle))
        summed = middle + block.output_projection(inner)
        output = block.output_norm(summed)
        steps.append(_Step(*map(_numpy, (hidden, pooled, attended, middle, inner, summed, output))))
        hidden = output
    return _numpy(embedded), steps


def _principal_components(levels: list[Array], count: int) -> Array:
    """The directions (wide, narrow) in which states (tokens, wide) vary most, every level counting alike."""
    covariances = [np.cov(states, rowvar=False) for states in levels]
    _, vectors = np.linalg.eigh(sum(covariance / np.trace(covariance) for covariance in covariances))  # ascending
    return vectors[:, ::-1][:, :count].astype(np.float32)


def _inherit_embeddings(
    student: WordEncoder,
    teacher: Backbone,
    spellings: Sequence[Sequence[int]],
    token_ids: Array,
    embedded: Array,
    basis: Array,
    real: Array,
) -> Array:
    """Projects the tables; returns the student's states for the teacher's pieces."""
    ours, theirs = student.backbone.embeddings, teacher.embeddings
    tables = (theirs.token_embedding, theirs.position_embedding, theirs.segment_embedding)
    tokens, positions, segments = (_numpy(table.embeddings) for table in tables)
    ours.token_embedding.embeddings.assign(np.stack([tokens[list(pieces)].mean(0) for pieces in spellings]) @ basis)
    ours.position_embedding.embeddings.assign(positions[: ours.max_sequence_length] @ basis)
    ours.segment_embedding.embeddings.assign(segments @ basis)
    summed = (tokens[token_ids] + positions[: token_ids.shape[1]] + segments[0]) @ basis
    return _fit_norm(ours.layer_norm, summed, embedded @ basis, real)


class _BlockFit:
    """Fits one block of the student to one of the teacher's and what that computes."""

    def __init__(
        self, ours: EncoderBlock, theirs: EncoderBlock, step: _Step, basis: Array, padding_mask: Array
    ) -> None:
        self.ours, self.theirs, self.step, self.basis = ours, theirs, step, basis
        self.padding_mask, self.real = padding_mask, np.asarray(padding_mask) == 1

    def attention(self, hidden: Array) -> Array:
        """Sets the attention and its norm; takes and returns the student's states."""
        step, ours, heads = self.step, self.ours.attention, self.theirs.attention
        weight = _numpy(heads.output_projection.kernel).reshape(heads.num_heads, heads.head_dim, -1) @ self.basis
        found = step.pooled[self.real].reshape(-1, heads.num_heads, heads.head_dim)  # (tokens, heads, head_dim)
        moved = [np.var(found[:, head] @ weight[head], axis=0).sum() for head in range(heads.num_heads)]
        units = np.arange(heads.hidden_dim).reshape(heads.num_heads, -1)[_largest(moved, ours.num_heads)].ravel()
        guess = _regression(hidden[self.real], step.hidden[self.real])
        for name in ("query", "key", "value"):
            _read_through(getattr(ours, name), getattr(heads, name), guess, units)
        pooled = _numpy(ours.pool(hidden, hidden, self.padding_mask, training=False))
        target = (step.attended @ self.basis - hidden)[self.real]
        _fit(ours.output_projection, pooled[self.real], target)
        summed = hidden + _numpy(ours.output_projection(pooled))
        return _fit_norm(self.ours.attention_norm, summed, step.middle @ self.basis, self.real)

    def feed_forward(self, hidden: Array) -> Array:
        """Sets the feed-forward layer and its norm; takes and returns the student's states."""
        step, ours, theirs = self.step, self.ours, self.theirs
        reach = np.linalg.norm(_numpy(theirs.output_projection.kernel) @ self.basis, axis=1)  # (inner,)
        units = _largest(step.inner[self.real].std(0) * reach, ours.intermediate_dim)
        guess = _regression(hidden[self.real], step.middle[self.real])
        _read_through(ours.intermediate, theirs.intermediate, guess, units)
        inner = _numpy(_activated(ours, ours.intermediate(hidden)))
        target = (step.summed @ self.basis - hidden)[self.real]
        _fit(ours.output_projection, inner[self.real], target)
        summed = hidden + _numpy(ours.output_projection(inner))
        return _fit_norm(ours.output_norm, summed, step.output @ self.basis, self.real)


def _regression(inputs: Array, targets: Array) -> tuple[Array, Array]:
    """The kernel and bias that map inputs (rows, units) to targets with the least square error."""
    centre, target_centre = inputs.mean(0), targets.mean(0)
    centred = (inputs - centre).astype(np.float64)
    gram = centred.T @ centred
    gram += _RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram))
    kernel = np.linalg.solve(gram, centred.T @ (targets - target_centre)).astype(np.float32)
    return kernel, target_centre - centre @ kernel


def _fit(dense: keras.layers.Dense, inputs: Array, targets: Array) -> None:
    """Sets a dense layer by regression."""
    kernel, bias = _regression(inputs, targets)
    dense.kernel.assign(kernel)
    dense.bias.assign(bias)


def _read_through(
    ours: keras.layers.Dense, theirs: keras.layers.Dense, guess: tuple[Array, Array], units: Array
) -> None:
    """Gives a dense layer some units of the teacher's, which read the guess at the teacher's states."""
    kernel = _numpy(theirs.kernel)[:, units]
    ours.kernel.assign(guess[0] @ kernel)
    ours.bias.assign(guess[1] @ kernel + _numpy(theirs.bias)[units])


def _fit_norm(norm: keras.layers.LayerNormalization, summed: Array, target: Array, real: Array) -> Array:
    """Sets scale and shift, unit by unit; returns the normalised states."""
    centred = summed - summed.mean(-1, keepdims=True)
    unit = centred / np.sqrt(np.square(centred).mean(-1, keepdims=True) + norm.epsilon)
    inputs, targets = unit[real], target[real]
    deviations = inputs - inputs.mean(0)
    scale = (deviations * (targets - targets.mean(0))).sum(0) / np.maximum(np.square(deviations).sum(0), 1e-6)
    shift = targets.mean(0) - scale * inputs.mean(0)
    norm.gamma.assign(scale)
    norm.beta.assign(shift)
    return unit * scale + shift


def _activated(block: EncoderBlock, values: Any) -> Any:
    return ops.gelu(values, approximate=block.activation == "gelu_tanh")


def _largest(values: Any, count: int) -> Array:
    """The places of the largest values, rising."""
    return np.sort(np.argsort(values)[-count:])


def _numpy(values: Any) -> Array:
    return np.asarray(ops.convert_to_numpy(values), np.float32)
