"""The int8 stack: near the float stack, the same in every mode and for any neighbours, and small."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path
from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.config import BackboneConfig, FastBertConfig
from fastbert_tf.inference import ExitLoop, NormalizedEntropy, simulate
from fastbert_tf.inference.packed import FloatStack
from fastbert_tf.inference.packed import int8_check as checks
from fastbert_tf.inference.packed.int8_block import int8_block
from fastbert_tf.inference.packed.int8_coding import Coding
from fastbert_tf.inference.packed.int8_sample import sample_activations
from fastbert_tf.inference.packed.int8_stack import Int8Stack
from fastbert_tf.models import FastBert

FEATURES = ("token_ids", "segment_ids", "padding_mask")
LENGTHS = (3, 9, 17, 24, 31, 5, 12, 40, 8, 61, 2, 33)
VOCABULARY = 500


def _batch(lengths, seed=0):
    rng = np.random.default_rng(seed)
    longest = max(lengths)
    mask = (np.arange(longest) < np.array(lengths)[:, None]).astype(np.int32)  # (rows, longest)
    tokens = rng.integers(1, VOCABULARY, mask.shape).astype(np.int32) * mask
    return {"token_ids": tokens, "segment_ids": (np.arange(longest) > 9).astype(np.int32) * mask, "padding_mask": mask}


@functools.cache
def _model():
    keras.utils.set_random_seed(0)
    shape = BackboneConfig(VOCABULARY, num_layers=4, num_heads=4, hidden_dim=64, intermediate_dim=256)
    model = FastBert.from_fastbert_config(FastBertConfig(shape, num_classes=3, branch_dim=16))
    rng = np.random.default_rng(1)
    for weight in model.weights:
        if "branch" in weight.path and len(weight.shape) == 2:
            weight.assign(rng.normal(scale=0.4, size=weight.shape))
        elif weight.path.endswith("gamma"):
            weight.assign(rng.uniform(0.5, 1.5, weight.shape))
        elif len(weight.shape) == 1:
            weight.assign(rng.normal(scale=0.3, size=weight.shape))
    return model


@functools.cache
def _sample():
    return sample_activations(_model(), [_batch(LENGTHS, seed) for seed in range(20, 24)])


@functools.cache
def _stack():
    return Int8Stack(_model(), _sample())


def _tensors(batch):
    return {name: tf.constant(value) for name, value in batch.items()}


def _branches(stack):
    """A graph function from inputs to the probabilities of all branches (rows, layers, classes)."""

    @tf.function(input_signature=[{name: tf.TensorSpec([None, None], tf.int32) for name in FEATURES}], autograph=False)
    def run(inputs):
        state, said = stack.start(inputs), []
        for index in range(stack.num_layers):
            state = stack.layer(index, state)
            said.append(stack.classify(index, state))
        return tf.stack(said, axis=1)

    return lambda batch: run(_tensors(batch)).numpy()


class Int8StackTest(tf.test.TestCase, parameterized.TestCase):
    def test_is_near_the_float_stack(self):
        """On rows that are not in the sample. The bounds are those of this model, whose answers are sharp."""
        batch = _batch(LENGTHS * 4, seed=5)
        exact, got = _branches(FloatStack(_model()))(batch), _branches(_stack())(batch)
        self.assertGreater(exact.std(axis=0).mean(), 0.05)
        self.assertLess(np.abs(got - exact).mean(), 0.01)
        self.assertLess(np.abs(got - exact).max(), 0.2)

    @parameterized.named_parameters(("int8", _stack), ("bfloat16", lambda: FloatStack(_model(), "bfloat16")))
    def test_neighbours_order_and_padding_do_not_matter(self, make):
        """Lines are 16 to 64 slots wide here: numbers are added in the same order all the same."""
        batch = _batch(LENGTHS, seed=6)
        branches = _branches(make())
        together = branches(batch)
        order = np.random.default_rng(0).permutation(len(LENGTHS))
        self.assertAllClose(branches({name: x[order] for name, x in batch.items()}), together[order], atol=1e-6, rtol=0)
        wider = {name: np.pad(x, ((0, 0), (0, 11))) for name, x in batch.items()}
        self.assertAllClose(branches(wider), together, atol=1e-6, rtol=0)
        for row, length in enumerate(LENGTHS):
            alone = branches({name: x[row : row + 1, :length] for name, x in batch.items()})
            self.assertAllClose(alone[0], together[row], atol=1e-6, rtol=0)

    def test_loop_equals_simulation_eager_saved_and_in_a_session(self):
        batch, speed = _batch(LENGTHS, seed=7), np.linspace(0.2, 0.95, len(LENGTHS)).astype(np.float32)
        policy = NormalizedEntropy()
        expected = simulate(policy, _branches(_stack())(batch), speed)
        self.assertGreater(len(set(expected["exit_layer"])), 2)
        loop = ExitLoop(_stack(), policy)
        self._assert_same(loop(_tensors(batch), tf.constant(speed)), expected)
        with tempfile.TemporaryDirectory() as directory:
            _save(loop, directory)
            loaded = tf.saved_model.load(directory).signatures["serving_default"]
            self._assert_same(loaded(**_tensors(batch), speed=tf.constant(speed)), expected)
            self._assert_same(_in_session(directory, {**batch, "speed": speed}), expected)

    def _assert_same(self, answers, expected):
        for name, value in expected.items():
            self.assertAllClose(answers[name], value, atol=1e-5, rtol=0, msg=name)

    def test_weights_are_stored_once_as_int8(self):
        """A byte a weight, and little besides."""
        shape = _model().config.backbone
        rows = VOCABULARY + shape.max_sequence_length * shape.num_segments
        kernels = shape.num_layers * (4 * 64 * 64 + 2 * 64 * 256 + 64 * 16)
        with tempfile.TemporaryDirectory() as directory:
            _save(ExitLoop(_stack(), NormalizedEntropy()), directory)
            graph = (Path(directory) / "saved_model.pb").read_bytes()
            tables = (Path(directory) / "variables" / "variables.data-00000-of-00001").stat().st_size
        self.assertEqual(graph.count(_largest_kernel()), 1)
        self.assertLess(tables, rows * (64 + 4) + 4096)
        self.assertLess(len(graph), 1.1 * kernels + 700_000)

    def test_huge_numbers_do_not_become_infinite_in_a_sample(self):
        """They are kept as the largest float16."""
        shape = BackboneConfig(VOCABULARY, num_layers=2, num_heads=2, hidden_dim=8, intermediate_dim=8)
        model = FastBert.from_fastbert_config(FastBertConfig(shape, num_classes=2, branch_dim=4))
        model.backbone.blocks[0].intermediate.kernel.assign(1e6 * np.eye(8))
        sample = sample_activations(model, [_batch((5, 3))])
        self.assertEqual(sample.blocks[0].inner.max(), 65504)
        self.assertTrue(all(np.isfinite(block.inner).all() for block in sample.blocks))

    def test_a_sample_needs_a_batch(self):
        with self.assertRaisesRegex(ValueError, "no batch to sample"):
            sample_activations(_model(), [])


class Int8CheckTest(tf.test.TestCase):
    def test_this_machine(self):
        checks.check_int8()

    def test_a_tensorflow_without_the_kernel(self):
        missing = tf.errors.NotFoundError(None, None, "No OpKernel was registered")
        with (
            mock.patch.object(checks.Int8Dense, "__call__", side_effect=missing),
            self.assertRaisesRegex(checks.Int8Unavailable, "No OpKernel .* --precision float32"),
        ):
            checks.check_int8()

    def test_a_wrong_result(self):
        with (
            mock.patch.object(checks.Int8Dense, "__call__", side_effect=lambda codes: tf.zeros([5, 48])),
            self.assertRaisesRegex(checks.Int8Unavailable, "wrongly, by up to .* --precision float32"),
        ):
            checks.check_int8()


def _largest_kernel():
    """The bytes of the first block's widest kernel, as a graph holds them."""
    seen = _sample().blocks[0]
    before, after = Coding.one_step(*_ends(seen.hidden)), Coding.one_step(*_ends(_sample().blocks[1].hidden))
    return int8_block(_model().backbone.blocks[0], seen, before, after).output.weights.kernel.tobytes()


def _ends(x):
    return x.min(axis=0), x.max(axis=0)


def _save(loop, directory):
    module = tf.Module()
    module.tracked = [variable.value for variable in loop.stack.variables]
    specs = {name: tf.TensorSpec([None, None], tf.int32, name) for name in FEATURES}
    specs["speed"] = tf.TensorSpec([None], tf.float32, "speed")

    def serve(speed, **inputs):
        return loop(inputs, speed)

    signature = tf.function(serve, autograph=False).get_concrete_function(**specs)
    tf.saved_model.save(module, directory, signatures=signature)


def _in_session(directory, feeds):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        signature = tf.compat.v1.saved_model.load(session, ["serve"], directory).signature_def["serving_default"]
        fetches = {name: info.name for name, info in signature.outputs.items()}
        return session.run(fetches, {signature.inputs[name].name: value for name, value in feeds.items()})


if __name__ == "__main__":
    tf.test.main()
