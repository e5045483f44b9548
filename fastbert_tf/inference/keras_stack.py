"""The trained Keras layers as a stack."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from fastbert_tf.models import FastBert

State = dict[str, tf.Tensor]


class KerasStack:
    """Runs a `FastBert` layer by layer, in inference mode; its state is hidden states and padding mask.

    Args:
        model: the trained model; not copied.
    """

    def __init__(self, model: FastBert) -> None:
        self._backbone = model.backbone
        self._branches = model.branches
        self.num_layers = model.config.backbone.num_layers
        self.num_classes = model.config.num_classes

    def start(self, inputs: dict[str, tf.Tensor]) -> State:
        hidden = self._backbone.embeddings(inputs["token_ids"], inputs["segment_ids"], training=False)
        return {"hidden": hidden, "padding_mask": inputs["padding_mask"]}  # (rows, sequence, hidden), (rows, sequence)

    def layer(self, index: int, state: State) -> State:
        hidden = self._backbone.blocks[index](state["hidden"], state["padding_mask"], training=False)
        return {**state, "hidden": hidden}

    def classify(self, index: int, state: State) -> tf.Tensor:
        logits = self._branches[index](state["hidden"], state["padding_mask"])
        return tf.nn.softmax(tf.cast(logits, tf.float32))  # (rows, classes)

    def keep(self, state: State, rows: tf.Tensor) -> State:
        return tf.nest.map_structure(lambda x: tf.gather(x, rows), state)

    @property
    def variables(self) -> list[Any]:
        """The Keras variables that the stack reads."""
        return [*self._backbone.weights, *(weight for branch in self._branches for weight in branch.weights)]
