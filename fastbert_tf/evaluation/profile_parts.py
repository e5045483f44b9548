"""The parts that a profile tells apart, and what a stack says about itself so that it can be profiled."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import tensorflow as tf

from fastbert_tf.config import FastBertConfig
from fastbert_tf.evaluation.flops import executed_breakdown, paper_breakdown
from fastbert_tf.inference import KerasStack, Stack
from fastbert_tf.models import FastBert

BLOCK_PARTS = ("attention_projections", "attention_products", "feed_forward", "norms_and_rest")
"""Parts of an encoder block; the rest is the residual sums."""
LAYER_PARTS = (*BLOCK_PARTS, "branch")
"""Parts that every layer has."""
PARTS = ("embeddings", *LAYER_PARTS, "exit_loop")
"""All parts, in the order of the model; `exit_loop` is what lies outside the others: policy, answers, shrinking."""


class Place(NamedTuple):
    """Where an operation belongs."""

    part: str
    """One of `PARTS`."""
    layer: int | None
    """Counted from 1; None outside the layers."""


def _scopes(pattern: str) -> re.Pattern[str]:
    """Compiles a path of scopes, found anywhere in a name; TensorFlow may have made each unique by `_1`."""
    return re.compile(r"(?:^|/)" + pattern.replace("/", r"(?:_\d+)?/"))


_RULES = (  # the first that fits
    (_scopes(r"branch_(?P<layer>\d+)/"), "branch"),
    (_scopes(r"embeddings/"), "embeddings"),
    *((_scopes(rf"block_(?P<layer>\d+)/(?:.*/)?{part}/"), part) for part in BLOCK_PARTS),
    (_scopes(r"block_(?P<layer>\d+)/attention/(?:query|key|value|output_projection)/"), "attention_projections"),
    (_scopes(r"block_(?P<layer>\d+)/attention/"), "attention_products"),
    (_scopes(r"block_(?P<layer>\d+)/(?:intermediate|Gelu|output_projection)/"), "feed_forward"),
    (_scopes(r"block_(?P<layer>\d+)/"), "norms_and_rest"),
)


def locate(name: str) -> Place:
    """Finds the part of an operation by its name.

    Args:
        name: scopes with slashes between, `embeddings`, `block_I` and `branch_I` with I counted from 0. In a block, a
            scope named after a part, such as `block_0/attention_products/MatMul`, or the names of
            `fastbert_tf.layers`, such as `block_0/attention/query/MatMul`.

    Returns:
        The place; `exit_loop` where no scope is a part's.
    """
    for pattern, part in _RULES:
        found = pattern.search(name)
        if found:
            layer = found.groupdict().get("layer")
            return Place(part, None if layer is None else int(layer) + 1)
    return Place("exit_loop", None)


@dataclass(frozen=True)
class ProfiledStack:
    """A stack, and what its profile needs to know of it.

    A stack that names the scopes in its blocks after `BLOCK_PARTS`, or as `fastbert_tf.layers` does, needs no own rule.
    """

    stack: Stack
    """The four calls."""
    config: FastBertConfig
    """The model's shape."""
    executed: Callable[[FastBertConfig, int], Mapping[str, Any]] = executed_breakdown
    """FLOPs a row that the stack executes in one layer, by part, at a length in tokens."""
    locate: Callable[[str], Place] = locate
    """Finds the place of an operation by its name."""

    @property
    def places(self) -> list[Place]:
        """All places, in the order of the model."""
        layers = range(1, self.stack.num_layers + 1)
        inside = [Place(part, layer) for layer in layers for part in LAYER_PARTS]
        return [Place("embeddings", None), *inside, Place("exit_loop", None)]


class ScopedStack:
    """Runs another stack with each call in a scope that `locate` knows, whatever the stack names its operations.

    Args:
        stack: the other stack.
    """

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.num_layers = stack.num_layers
        self.num_classes = stack.num_classes

    def start(self, inputs: dict[str, Any]) -> Any:
        with tf.name_scope("embeddings"):
            return self._stack.start(inputs)

    def layer(self, index: int, state: Any) -> Any:
        with tf.name_scope(f"block_{index}"):
            return self._stack.layer(index, state)

    def classify(self, index: int, state: Any) -> Any:
        with tf.name_scope(f"branch_{index}"):
            return self._stack.classify(index, state)

    def keep(self, state: Any, rows: Any) -> Any:
        return self._stack.keep(state, rows)


def keras_profiled(model: FastBert) -> ProfiledStack:
    """Describes the trained Keras layers."""
    unfolded = functools.partial(executed_breakdown, folded_branch=False)
    return ProfiledStack(KerasStack(model), model.config, unfolded)


def packed_profiled(stack: Stack, config: FastBertConfig) -> ProfiledStack:
    """Describes a packed stack, whose branches are folded."""
    return ProfiledStack(stack, config)


def paper_flops_by_part(config: FastBertConfig, length: int) -> dict[str, int]:
    """Returns FLOPs a row of one layer by part, by the paper's definition, which leaves the attention products out."""
    paper = paper_breakdown(config, length)
    return {
        "attention_projections": paper["self_attention"],
        "feed_forward": paper["feed_forward"],
        "branch": paper["branch_input"] + paper["branch_attention"] + paper["branch_pooler"],
    }
