"""The packed stack against the trained Keras layers."""

from __future__ import annotations

import tempfile
from pathlib import Path

import keras
import numpy as np
import registry
import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.inference import FloatStack, KerasStack

ROWS = 24


def masks(kind):
    rng = np.random.default_rng(5)
    if kind == "prefix":
        return registry.token_inputs(ROWS)["padding_mask"]
    mask = rng.integers(0, 2, (ROWS, registry.LENGTH)).astype(np.int32)
    mask[:, 0] = kind != "hidden first"
    mask[:, rng.integers(1, registry.LENGTH)] = 1
    return mask


class PackedStackTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.model = registry.built(registry.MODELS[-1])
        self.inputs = {name: tf.constant(value) for name, value in registry.token_inputs(ROWS).items()}

    @parameterized.parameters("prefix", "holes", "hidden first")
    def test_equals_the_keras_stack_at_every_layer_while_rows_leave(self, kind):
        inputs = {**self.inputs, "padding_mask": tf.constant(masks(kind))}
        packed, trained = FloatStack(self.model), KerasStack(self.model)
        ours, theirs = packed.start(inputs), trained.start(inputs)
        for index in range(registry.DEPTH):
            ours, theirs = packed.layer(index, ours), trained.layer(index, theirs)
            answers = packed.classify(index, ours)
            self.assertEqual(answers.dtype, tf.float32)
            self.assertAllClose(answers, trained.classify(index, theirs), atol=1e-5, rtol=0)
            kept = tf.range(len(answers) - 1, -1, -2)  # every second row, backwards
            ours, theirs = packed.keep(ours, kept), trained.keep(theirs, kept)

    @parameterized.parameters({"activation": "gelu"}, {"activation": "gelu_tanh"})
    def test_activation(self, **changes):
        model = self.changed(**changes)
        expected = keras.ops.softmax(model(self.inputs))
        self.assertAllClose(_all_branches(FloatStack(model), self.inputs), expected, atol=1e-5, rtol=0)

    @parameterized.parameters(1e-12, 1e-5, 1e-3)
    def test_layer_norm_epsilon(self, epsilon):
        """In a graph, where TensorFlow fuses the layer norms, with hidden states so small that epsilon counts."""
        model = self.changed(layer_norm_epsilon=epsilon)
        for table in model.backbone.embeddings.weights[:3]:
            table.assign(0.01 * table)
        expected = keras.ops.softmax(model(self.inputs))
        stack = FloatStack(model)
        found = tf.function(lambda inputs: _branches(stack, inputs), autograph=False)(self.inputs)
        self.assertAllClose(found, expected, atol=1e-5, rtol=0)

    def changed(self, **changes):
        backbone = type(self.model.backbone)(**{**self.model.config.backbone.to_dict(), **changes})
        model = type(self.model)(backbone, registry.CLASSES, branch_dim=4, branch_heads=2)
        registry.spread(model)
        return model

    def test_row_without_real_tokens_is_its_first_token_alone(self):
        mask = self.inputs["padding_mask"].numpy()
        mask[3] = 0
        alone = mask.copy()
        alone[3, 0] = 1
        stack = FloatStack(self.model)
        answers = _all_branches(stack, {**self.inputs, "padding_mask": tf.constant(mask)})
        self.assertAllClose(answers, _all_branches(stack, {**self.inputs, "padding_mask": tf.constant(alone)}))
        self.assertTrue(np.all(np.isfinite(answers)))

    def test_computes_real_tokens_alone(self):
        stack = FloatStack(self.model)
        state = stack.layer(0, stack.start(self.inputs))
        real = int(self.inputs["padding_mask"].numpy().sum())
        self.assertBetween(len(state.hidden), real, real + 7)
        self.assertLen(stack.keep(state, tf.constant([1])).hidden, 8)  # LENGTH - 2, filled up

    def test_bfloat16(self):
        """Holds its numbers in bfloat16, and says nearly the same."""
        stack = FloatStack(self.model, "bfloat16")
        self.assertEqual(stack.start(self.inputs).hidden.dtype, tf.bfloat16)
        answers = _all_branches(stack, self.inputs)
        expected = keras.ops.softmax(self.model(self.inputs))
        self.assertEqual(answers.dtype, np.float32)
        self.assertAllClose(answers.sum(-1), np.ones(answers.shape[:2]), atol=1e-5)
        self.assertLess(np.abs(answers - expected).mean(), 0.02)
        self.assertGreater(np.abs(answers - expected).max(), 1e-5, "computed in float32")

    @parameterized.parameters(("float32", 4), ("bfloat16", 2))
    def test_saved_model_holds_the_weights_once_in_their_type(self, precision, size):
        keras.utils.set_random_seed(0)
        backbone = type(self.model.backbone)(
            vocabulary_size=500, num_layers=2, num_heads=2, hidden_dim=64, intermediate_dim=256, max_sequence_length=32
        )
        model = type(self.model)(backbone, 2, branch_dim=16, branch_heads=2)
        stack = FloatStack(model, precision)
        specs = {name: tf.TensorSpec([None, None], tf.int32, name) for name in self.inputs}
        module = tf.Module()
        module.weights = [variable.value for variable in stack.variables]
        functions = {
            name: tf.function(lambda tensors: {"answers": _branches(stack, tensors)}, autograph=False)
            for name in ("one", "another")
        }
        with tempfile.TemporaryDirectory() as folder:
            tf.saved_model.save(
                module, folder, signatures={n: f.get_concrete_function(specs) for n, f in functions.items()}
            )
            stored = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
        counted = model.count_params() * size
        self.assertBetween(stored, 0.9 * counted, 1.1 * counted + 300_000)

    def test_unknown_precision(self):
        with self.assertRaisesRegex(ValueError, "precision must be one of .*'float16'"):
            FloatStack(self.model, "float16")


def _branches(stack, inputs):
    state, answers = stack.start(inputs), []
    for index in range(stack.num_layers):
        state = stack.layer(index, state)
        answers.append(stack.classify(index, state))
    return tf.stack(answers, axis=1)  # (rows, layers, classes)


def _all_branches(stack, inputs):
    return _branches(stack, inputs).numpy()


if __name__ == "__main__":
    tf.test.main()
