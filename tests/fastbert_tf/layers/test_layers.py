"""Every layer equals its formula, computed row by row in NumPy (float64) on the real tokens alone."""

from __future__ import annotations

import math

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.layers import BertEmbeddings, BranchClassifier, EncoderBlock, MultiHeadAttention

BATCH, LENGTH, WIDTH, HEADS = 3, 6, 8, 2
REAL_TOKENS = (6, 4, 1)
MASK = (np.arange(LENGTH) < np.array(REAL_TOKENS)[:, None]).astype(np.int32)  # (batch, length)

# === The formulas ===


def dense(layer, x):
    return x @ layer.kernel.numpy().astype(np.float64) + layer.bias.numpy()


def softmax(scores):
    exponentials = np.exp(scores - scores.max(-1, keepdims=True))
    return exponentials / exponentials.sum(-1, keepdims=True)


def layer_norm(layer, x, epsilon):
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + epsilon) * layer.gamma.numpy() + layer.beta.numpy()


def attention(layer, query, context):
    """Vaswani et al., 2017, section 3.2; query (queries, width), context (keys, width)."""
    q, k, v = dense(layer.query, query), dense(layer.key, context), dense(layer.value, context)
    size = q.shape[-1] // layer.num_heads
    heads = []
    for start in range(0, q.shape[-1], size):
        columns = slice(start, start + size)
        weights = softmax(q[:, columns] @ k[:, columns].T / math.sqrt(size))  # (queries, keys)
        heads.append(weights @ v[:, columns])
    return dense(layer.output_projection, np.concatenate(heads, axis=-1))


def exact_gelu(x):
    return x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def tanh_gelu(x):
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def encoder_block(layer, hidden, gelu):
    """Post-layer-norm; Devlin et al., 2019."""
    hidden = layer_norm(layer.attention_norm, hidden + attention(layer.attention, hidden, hidden), 1e-12)
    outer = dense(layer.output_projection, gelu(dense(layer.intermediate, hidden)))
    return layer_norm(layer.output_norm, hidden + outer, 1e-12)


def branch_classifier(layer, hidden):
    """FastBERT, section 3.1: attention for every token, although only the first one is read."""
    narrow = np.tanh(dense(layer.input_projection, hidden))
    attended = attention(layer.attention, narrow, narrow)
    return dense(layer.classifier, np.tanh(dense(layer.pooler, attended[0])))


def spread_weights(layer):
    """Weights large enough that every part of a formula shows in the result."""
    rng = np.random.default_rng(1)
    for weight in layer.trainable_weights:
        weight.assign(rng.normal(1.0 if weight.path.endswith("gamma") else 0.0, 0.5, weight.shape))


class LayersTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        keras.utils.set_random_seed(0)
        self.hidden = np.random.default_rng(0).normal(size=(BATCH, LENGTH, WIDTH)).astype(np.float32)

    def _assert_rows(self, outputs, formula):
        """Compares the real tokens of each row with the formula on these tokens; returns nothing of the padding."""
        for row, real in enumerate(REAL_TOKENS):
            expected = formula(self.hidden[row, :real])
            output = outputs[row] if outputs[row].ndim == 1 else outputs[row][: len(expected)]
            self.assertAllClose(output, expected, rtol=0, atol=2e-5)

    def test_attention(self):
        layer = MultiHeadAttention(WIDTH, HEADS)
        layer(self.hidden, self.hidden, MASK)
        spread_weights(layer)
        self._assert_rows(layer(self.hidden, self.hidden, MASK).numpy(), lambda x: attention(layer, x, x))

    def test_attention_with_fewer_queries_than_keys(self):
        layer = MultiHeadAttention(WIDTH, HEADS)
        layer(self.hidden, self.hidden, MASK)
        spread_weights(layer)
        outputs = layer(self.hidden[:, :1], self.hidden, MASK).numpy()
        self.assertEqual(outputs.shape, (BATCH, 1, WIDTH))
        self._assert_rows(outputs, lambda x: attention(layer, x[:1], x))

    def test_attention_needs_heads_that_divide_the_width(self):
        with self.assertRaisesRegex(ValueError, "hidden_dim must be a multiple of num_heads, but 8 / 3"):
            MultiHeadAttention(WIDTH, 3)

    def test_attention_does_not_overflow(self):
        layer = MultiHeadAttention(WIDTH, HEADS)
        outputs = layer(1e4 * self.hidden, 1e4 * self.hidden, np.zeros_like(MASK))  # not even one real token
        self.assertTrue(np.isfinite(outputs).all())

    @parameterized.parameters(("gelu", exact_gelu), ("gelu_tanh", tanh_gelu))
    def test_encoder_block(self, activation, gelu):
        layer = EncoderBlock(WIDTH, HEADS, intermediate_dim=12, activation=activation)
        layer(self.hidden, MASK)
        spread_weights(layer)
        self._assert_rows(layer(self.hidden, MASK).numpy(), lambda x: encoder_block(layer, x, gelu))

    def test_the_two_activations_differ(self):
        x = np.linspace(-4, 4, 100)
        self.assertGreater(np.abs(exact_gelu(x) - tanh_gelu(x)).max(), 1e-4)  # more than the tests above allow

    def test_branch_classifier(self):
        layer = BranchClassifier(num_classes=3, branch_dim=4, branch_heads=2)
        layer(self.hidden, MASK)
        spread_weights(layer)
        outputs = layer(self.hidden, MASK).numpy()
        self.assertEqual(outputs.shape, (BATCH, 3))
        self._assert_rows(outputs, lambda x: branch_classifier(layer, x))

    def test_embeddings(self):
        layer = BertEmbeddings(vocabulary_size=20, hidden_dim=WIDTH, max_sequence_length=10, num_segments=3)
        rng = np.random.default_rng(2)
        tokens, segments = rng.integers(0, 20, (BATCH, LENGTH)), rng.integers(0, 3, (BATCH, LENGTH))
        layer(tokens, segments)
        spread_weights(layer)
        token, position, segment = (
            table.embeddings.numpy().astype(np.float64)
            for table in (layer.token_embedding, layer.position_embedding, layer.segment_embedding)
        )
        summed = token[tokens] + position[:LENGTH] + segment[segments]
        self.assertAllClose(layer(tokens, segments), layer_norm(layer.layer_norm, summed, 1e-12), atol=2e-5, rtol=0)

    @parameterized.parameters(MultiHeadAttention, EncoderBlock, BertEmbeddings)
    def test_dropout_acts_in_training_alone(self, cls):
        layer, inputs = {
            MultiHeadAttention: lambda: (cls(WIDTH, HEADS, dropout=0.5), (self.hidden, self.hidden, MASK)),
            EncoderBlock: lambda: (cls(WIDTH, HEADS, 12, dropout=0.5), (self.hidden, MASK)),
            BertEmbeddings: lambda: (cls(20, WIDTH, dropout=0.5), (MASK, MASK)),
        }[cls]()
        layer(*inputs)
        spread_weights(layer)
        answers = [layer(*inputs, training=training).numpy() for training in (False, False, None, True, True)]
        self.assertAllEqual(answers[0], answers[1])
        self.assertAllEqual(answers[0], answers[2])
        self.assertNotAllClose(answers[0], answers[3])
        self.assertNotAllClose(answers[3], answers[4])

    @parameterized.parameters((768, 0.02), (48, 0.08))
    def test_initial_weights(self, width, stddev):
        """BERT's truncated normal of 0.02 at its width of 768, wider where fewer units are summed; no two alike."""
        layer = EncoderBlock(width, 4, 64)
        layer.build((None, None, width))
        kernels = [weight.numpy() for weight in layer.weights if weight.path.endswith("kernel")]
        self.assertLen(kernels, 6)
        for kernel in kernels:
            self.assertLess(np.abs(kernel).max(), 2 * stddev + 1e-6)
            self.assertAllClose(kernel.std(), 0.88 * stddev, rtol=0.05)  # 0.88: the tails beyond 2 sigma are cut
        self.assertNotAllClose(layer.attention.query.kernel, layer.attention.key.kernel)
        self.assertAllEqual(layer.intermediate.bias, np.zeros(64))


if __name__ == "__main__":
    tf.test.main()
