"""A sample of a model's hidden numbers, from which ranges are chosen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

import numpy as np
import tensorflow as tf

from fastbert_tf.inference.packed.block import Block, Transform, float_block
from fastbert_tf.inference.packed.embeddings import Embeddings
from fastbert_tf.inference.packed.layout import Lines, pack
from fastbert_tf.inference.packed.lines import OwnLines
from fastbert_tf.models import FastBert

SAMPLE_TOKENS = 2048
"""Tokens that are kept: 80 kB each for BERT-base."""
_LARGEST = float(np.finfo(np.float16).max)
_PRODUCTS = ("projections", "attention_output", "intermediate", "output")  # in the order of `BlockSample`


@dataclass(frozen=True)
class BlockSample:
    """What enters the products of an encoder block, each float16 (tokens, channels)."""

    hidden: np.ndarray
    """The block's input."""
    pooled: np.ndarray
    """What the attention has pooled, without the value's bias."""
    middle: np.ndarray
    """After the attention's layer normalisation."""
    inner: np.ndarray
    """After the activation."""


@dataclass(frozen=True)
class ModelSample:
    """What enters the products of a whole model."""

    blocks: tuple[BlockSample, ...]
    """One a layer."""
    last: np.ndarray
    """The last layer's hidden states, float16 (tokens, channels)."""


def sample_activations(
    model: FastBert, batches: Iterable[dict[str, np.ndarray]], tokens: int = SAMPLE_TOKENS
) -> ModelSample:
    """Runs the float32 layers on sample inputs and keeps what their products read.

    Numbers beyond those seen here are cut off later, so the inputs should look like the real ones. A few hundred rows
    are enough.

    Args:
        model: the trained model.
        batches: int (rows, sequence) `token_ids`, `segment_ids` and `padding_mask`, each batch padded at will.
        tokens: how many are kept, drawn from all batches alike.

    Returns:
        The sample.

    Raises:
        ValueError: there is no batch.
    """
    inputs = [{name: tf.cast(value, tf.int32) for name, value in batch.items()} for batch in batches]
    if not inputs:
        raise ValueError("there is no batch to sample; give some hundred rows of the task's training data")
    embeddings = Embeddings(model.backbone.embeddings)
    blocks = [float_block(block, tf.float32) for block in model.backbone.blocks]
    lines, rng = OwnLines(model.config.backbone.num_heads), np.random.default_rng(0)
    samples = [_sample(embeddings, blocks, lines, batch, -(-tokens // len(inputs)), rng) for batch in inputs]
    joined = tuple(_joined(parts) for parts in zip(*(sample.blocks for sample in samples), strict=True))
    return ModelSample(joined, np.concatenate([sample.last for sample in samples]))


def _sample(
    embeddings: Embeddings,
    blocks: list[Block],
    lines: Lines,
    inputs: dict[str, tf.Tensor],
    tokens: int,
    rng: np.random.Generator,
) -> ModelSample:
    chosen, layout = pack(inputs["padding_mask"], lines)
    token_ids, segment_ids = (tf.gather_nd(inputs[name], chosen) for name in ("token_ids", "segment_ids"))
    hidden = embeddings(token_ids, chosen[:, 1], segment_ids)
    kept = rng.permutation(len(chosen))[:tokens]
    samples = []
    for block in blocks:
        spies = {name: _Spy(getattr(block, name), kept) for name in _PRODUCTS}
        hidden = replace(block, **spies)(hidden, layout)
        samples.append(BlockSample(*(spy.seen for spy in spies.values())))
    return ModelSample(tuple(samples), _kept(hidden, kept))


class _Spy:
    """Passes tensors to a part of a block and keeps some tokens of what it reads."""

    def __init__(self, part: Transform, kept: np.ndarray) -> None:
        self._part = part
        self._kept = kept

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        self.seen = _kept(x, self._kept)
        return self._part(x)


def _kept(x: tf.Tensor, kept: np.ndarray) -> np.ndarray:
    """Cut off at float16's ends: an infinite number would leave no range and no mean, and every code would be lost."""
    return np.clip(x.numpy()[kept], -_LARGEST, _LARGEST).astype(np.float16)


def _joined(parts: tuple[BlockSample, ...]) -> BlockSample:
    return BlockSample(
        *(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(BlockSample))
    )
