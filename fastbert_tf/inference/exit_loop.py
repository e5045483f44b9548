"""The one loop of adaptive inference."""

from __future__ import annotations

from functools import partial
from typing import Any

import tensorflow as tf

from fastbert_tf.inference.policy import ExitPolicy
from fastbert_tf.inference.stack import Stack
from fastbert_tf.inference.uncertainty import normalized_entropy


class ExitLoop:
    """Runs a stack layer by layer; rows leave as soon as the policy lets them, and the batch shrinks (section 3.3).

    Each layer is a branch of `tf.switch_case`, so its weights are read in place: no gather from stacked weights.

    Args:
        stack: the model, as four calls.
        policy: the exit rule.
    """

    def __init__(self, stack: Stack, policy: ExitPolicy) -> None:
        self.stack = stack
        self.policy = policy

    def __call__(self, inputs: dict[str, tf.Tensor], speed: tf.Tensor) -> dict[str, tf.Tensor]:
        """Answers every row.

        Args:
            inputs: int32 (rows, sequence) `token_ids`, `segment_ids` and `padding_mask`.
            speed: float32 (rows,), in [0, 1]; 0 sends every row through all layers.

        Returns:
            `probabilities` float32 (rows, classes), `exit_layer` int32 (rows,) counted from 1, `uncertainty`
            float32 (rows,).
        """
        inputs = {name: tf.cast(value, tf.int32) for name, value in inputs.items()}
        rows = tf.shape(speed)[0]
        layers, classes = self.stack.num_layers, self.stack.num_classes
        alive = {
            "state": self.stack.start(inputs),
            "row": tf.range(rows),
            "speed": tf.cast(speed, tf.float32),
            "said": tf.zeros([rows, layers, classes]),
        }
        answers = {"probabilities": tf.zeros([rows, classes]), "exit_layer": tf.zeros([rows], tf.int32)}
        alive_shapes = {
            "state": tf.nest.map_structure(_shrinking_shape, alive["state"]),
            "row": tf.TensorShape([None]),
            "speed": tf.TensorShape([None]),
            "said": tf.TensorShape([None, layers, classes]),
        }
        answer_shapes = {"probabilities": tf.TensorShape([None, classes]), "exit_layer": tf.TensorShape([None])}
        _, _, answers = tf.while_loop(
            lambda layer, alive, _: (layer < layers) & (tf.size(alive["row"]) > 0),
            self._body,
            (tf.constant(0), alive, answers),
            shape_invariants=(tf.TensorShape([]), alive_shapes, answer_shapes),
        )
        return {**answers, "uncertainty": normalized_entropy(answers["probabilities"])}

    def _body(self, layer: tf.Tensor, alive: dict[str, Any], answers: dict[str, Any]) -> tuple[Any, Any, Any]:
        steps = [partial(self._compute, index, alive["state"]) for index in range(self.stack.num_layers)]
        state, newest = tf.switch_case(layer, steps)  # newest: (rows alive, classes)
        here = tf.one_hot(layer, self.stack.num_layers)[:, None]  # (layers, 1)
        said = alive["said"] + here * newest[:, None]  # (rows alive, layers, classes)
        answers = self._answer(answers, alive["row"], newest, layer)
        kept = tf.where(~self.policy.leaves(said, layer, alive["speed"]))[:, 0]
        alive = {
            "state": self.stack.keep(state, kept),
            "row": tf.gather(alive["row"], kept),
            "speed": tf.gather(alive["speed"], kept),
            "said": tf.gather(said, kept),
        }
        return layer + 1, alive, answers

    def _compute(self, index: int, state: Any) -> tuple[Any, tf.Tensor]:
        state = self.stack.layer(index, state)
        return state, self.stack.classify(index, state)

    @staticmethod
    def _answer(answers: dict[str, Any], row: tf.Tensor, newest: tf.Tensor, layer: tf.Tensor) -> dict[str, Any]:
        """Writes the newest answer of every row that is still alive; the last one written stands."""
        place = row[:, None]
        exit_layer = tf.fill(tf.shape(row), layer + 1)
        return {
            "probabilities": tf.tensor_scatter_nd_update(answers["probabilities"], place, newest),
            "exit_layer": tf.tensor_scatter_nd_update(answers["exit_layer"], place, exit_layer),
        }


def _shrinking_shape(x: tf.Tensor) -> tf.TensorShape:
    """Lets every axis change from layer to layer, as rows leave, but the innermost (features) of a matrix or higher."""
    features = x.shape[-1:] if x.shape.rank > 1 else tf.TensorShape([])
    return tf.TensorShape([None] * (x.shape.rank - features.rank)).concatenate(features)
