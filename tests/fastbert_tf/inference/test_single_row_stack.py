"""The stack for one row, against the trained Keras layers."""

import keras
import numpy as np
import registry
import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.inference import ExitLoop, ExitSchedule, NormalizedEntropy, SingleRowStack

ROWS = 6
TOKENS = tf.TensorSpec([1, None], tf.int32)
SIGNATURE = (
    dict.fromkeys(("token_ids", "segment_ids", "padding_mask"), TOKENS),
    tf.TensorSpec([1], tf.float32),
)


def row_of(inputs, row):
    """One row, its padding cut off."""
    length = int(inputs["padding_mask"][row].sum())
    return {name: tf.constant(value[row : row + 1, :length]) for name, value in inputs.items()}


class SingleRowStackTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.model = registry.built(registry.MODELS[-1])
        self.inputs = registry.token_inputs(ROWS)

    def changed(self, **changes):
        backbone = type(self.model.backbone)(**{**self.model.config.backbone.to_dict(), **changes})
        model = type(self.model)(backbone, registry.CLASSES, branch_dim=4, branch_heads=2)
        registry.spread(model)
        return model

    @parameterized.parameters({"activation": "gelu"}, {"activation": "gelu_tanh"}, {"layer_norm_epsilon": 1e-3})
    def test_every_branch_equals_the_model(self, **changes):
        model = self.changed(**changes)
        stack, expected = SingleRowStack(model), keras.ops.softmax(model(self.inputs))
        for row in range(ROWS):
            state = stack.start(row_of(self.inputs, row))
            for index in range(stack.num_layers):
                state = stack.layer(index, state)
                self.assertAllClose(stack.classify(index, state), expected[row : row + 1, index], atol=1e-5, rtol=0)

    @parameterized.parameters(tuple(range(1, registry.DEPTH + 1)), (2, registry.DEPTH))
    def test_leaves_at_the_first_exit_that_is_sure(self, *exits):
        loop = ExitLoop(SingleRowStack(self.model), NormalizedEntropy(), ExitSchedule(exits))
        loop = tf.function(loop, input_signature=SIGNATURE)
        said = keras.ops.convert_to_numpy(keras.ops.softmax(self.model(self.inputs)))  # (rows, layers, classes)
        uncertainty = -np.sum(said * np.log(said), axis=-1) / np.log(registry.CLASSES)
        left = set()
        for row in range(ROWS):
            for speed in np.linspace(0, 1, 21, dtype=np.float32):
                found = loop(row_of(self.inputs, row), tf.constant([speed]))
                sure = [layer for layer in exits if uncertainty[row, layer - 1] < speed]
                expected = min([*sure, registry.DEPTH])
                self.assertAllEqual(found["exit_layer"], [expected])
                self.assertAllClose(found["probabilities"], said[row : row + 1, expected - 1], atol=1e-5, rtol=0)
                left.add(expected)
        self.assertGreater(len(left), 1)

    def test_without_segments_they_are_0(self):
        inputs = row_of(self.inputs, 0)
        inputs["segment_ids"] = tf.zeros_like(inputs["segment_ids"])
        stack = SingleRowStack(self.model)
        expected = stack.start(inputs)
        self.assertAllClose(stack.start({"token_ids": inputs["token_ids"]}), expected, atol=1e-6, rtol=0)

    def test_positions_are_the_models_at_most(self):
        positions = self.model.config.backbone.max_sequence_length
        for length in (0, positions + 1):
            with self.assertRaisesRegex(ValueError, f"1 to the model's {positions} positions, but is {length}"):
                SingleRowStack(self.model, length)
        short = SingleRowStack(self.model, 3)
        inputs = {"token_ids": tf.constant([[4, 5, 6]])}
        self.assertAllEqual(short.start(inputs), SingleRowStack(self.model).start(inputs))


if __name__ == "__main__":
    tf.test.main()
