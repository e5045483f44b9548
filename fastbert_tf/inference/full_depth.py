"""The reference that adaptive inference is measured against."""

from __future__ import annotations

import tensorflow as tf

from fastbert_tf.inference.stack import Stack


class FullDepth:
    """Runs all layers and the teacher alone: what a plain BERT classifier would do.

    Args:
        stack: the model, as four calls.
    """

    def __init__(self, stack: Stack) -> None:
        self.stack = stack

    def __call__(self, inputs: dict[str, tf.Tensor]) -> tf.Tensor:
        """Returns the teacher's float32 probabilities (rows, classes) for int32 (rows, sequence) inputs."""
        state = self.stack.start(inputs)
        for index in range(self.stack.num_layers):
            state = self.stack.layer(index, state)
        return self.stack.classify(self.stack.num_layers - 1, state)
