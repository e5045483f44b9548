"""Every stack for the exit loop, and the schedules with which each of them runs: part of the registry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import registry
from registry import DEPTH

from fastbert_tf import inference
from fastbert_tf.inference.packed.int8_sample import sample_activations
from fastbert_tf.inference.packed.int8_stack import Int8Stack


@dataclass(frozen=True)
class StackCase:
    """A stack for the exit loop.

    Attributes:
        cls: the class.
        make: takes the FastBert model.
        is_exact: whether it gives the model's numbers; if not, it is held to what its own branches say.
    """

    cls: type
    make: Callable[[Any], Any]
    is_exact: bool = True

    def probabilities(self, stack: Any, model: Any, inputs: registry.Arrays) -> np.ndarray:
        """Every branch's answer for every row (rows, layers, classes), without any loop."""
        if self.is_exact:
            return keras.ops.convert_to_numpy(keras.ops.softmax(model(inputs)))
        state, said = stack.start(inputs), []
        for index in range(stack.num_layers):
            state = stack.layer(index, state)
            said.append(keras.ops.convert_to_numpy(stack.classify(index, state)))
        return np.stack(said, axis=1)


def _make_int8_stack(model: Any) -> Any:
    return Int8Stack(model, sample_activations(model, [registry.token_inputs(rows=12)]))


STACKS = [
    StackCase(inference.KerasStack, inference.KerasStack),
    StackCase(inference.FloatStack, inference.FloatStack),
    StackCase(inference.FloatStack, lambda model: inference.FloatStack(model, "bfloat16"), is_exact=False),
    StackCase(Int8Stack, _make_int8_stack, is_exact=False),
]
SCHEDULES_OF_EXITS = [
    inference.ExitSchedule.every_layer(DEPTH),
    inference.ExitSchedule((2, DEPTH)),
    inference.ExitSchedule((1, DEPTH), shrink_share=0.6),
    inference.ExitSchedule((DEPTH,)),
]
"""Schedules with which every stack and policy runs."""
