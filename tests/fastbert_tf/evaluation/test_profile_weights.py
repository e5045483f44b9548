"""Weights by part, from the graph, against numbers by hand."""

from __future__ import annotations

from collections import Counter

import numpy as np
import tensorflow as tf

from fastbert_tf.config import BackboneConfig, FastBertConfig
from fastbert_tf.evaluation import ProfiledStack, keras_profiled
from fastbert_tf.evaluation.profile_parts import Place
from fastbert_tf.evaluation.profile_weights import count_weights
from fastbert_tf.inference.packed import FloatStack
from fastbert_tf.models import FastBert

SMALL = FastBertConfig(BackboneConfig(50, 3, 4, 32, 64, max_sequence_length=40), 3, branch_dim=8, branch_heads=2)
EMBEDDINGS = Place("embeddings", None)


class ArrayStack:
    """Holds a variable, an array outside the graph, and constants, of several types, also in a function of its own."""

    num_layers, num_classes = 2, 2

    def __init__(self):
        self.table = tf.Variable(tf.zeros((50, 4)), trainable=False)
        self.outside = tf.zeros((4, 64), tf.bfloat16)  # TensorFlow copies up to 128 elements into the graph
        self.blocks = [tf.function(self._block, autograph=False) for _ in range(2)]

    @staticmethod
    def _block(hidden):
        with tf.name_scope("feed_forward"):
            codes = tf.constant(np.arange(16, dtype=np.int8).reshape(4, 4))
            scale = tf.constant([0.1, 0.2, 0.3, 0.4])
            return tf.matmul(hidden * 0.5, tf.cast(codes, tf.float32) * scale)

    def start(self, inputs):
        return tf.gather(self.table, inputs["token_ids"])

    def layer(self, index, state):
        return self.blocks[index](state)

    def classify(self, index, state):
        first = tf.matmul(state[:, 0], tf.cast(self.outside, tf.float32))
        return tf.nn.softmax(tf.matmul(first, tf.constant(np.zeros((64, 2), np.float32))))


class CountWeightsTest(tf.test.TestCase):
    def test_keras_layers_by_hand(self):
        model = FastBert.from_fastbert_config(SMALL)
        elements, stored = count_weights(keras_profiled(model))
        for layer in (1, 2, 3):
            self.assertEqual(elements[Place("attention_projections", layer)], 4 * (32 * 32 + 32))
            self.assertEqual(elements[Place("attention_products", layer)], 0)
            self.assertEqual(elements[Place("feed_forward", layer)], 32 * 64 + 64 + 64 * 32 + 32)
            self.assertEqual(elements[Place("norms_and_rest", layer)], 2 * 2 * 32)
            branch = (32 * 8 + 8) + 4 * (8 * 8 + 8) + (8 * 8 + 8) + (8 * 3 + 3)
            self.assertEqual(elements[Place("branch", layer)], branch)
        self.assertEqual(elements[EMBEDDINGS], (50 + 40 + 2) * 32 + 2 * 32)
        self.assertEqual(elements.total(), model.count_params())
        self.assertEqual(stored, Counter({place: 4 * count for place, count in elements.items()}))

    def test_arrays_in_the_type_that_is_held(self):
        elements, stored = count_weights(ProfiledStack(ArrayStack(), SMALL))
        expected = {
            EMBEDDINGS: (200, 800),
            Place("feed_forward", 1): (16 + 4, 16 + 16),
            Place("feed_forward", 2): (16 + 4, 16 + 16),
            Place("branch", 1): (256 + 128, 512 + 512),
            Place("branch", 2): (128, 512),  # the array that both read counts once
        }
        self.assertEqual(elements, {place: count for place, (count, _) in expected.items()})
        self.assertEqual(stored, {place: size for place, (_, size) in expected.items()})

    def test_constants_inside_the_functions_of_the_packed_stack(self):
        """Fewer than the Keras layers hold only where weights are folded: in the branches and the embeddings."""
        model = FastBert.from_fastbert_config(SMALL)
        for precision, size in (("float32", 4), ("bfloat16", 2)):
            elements, stored = count_weights(ProfiledStack(FloatStack(model, precision), SMALL))
            for layer in (1, 2, 3):
                block = sum(
                    count for place, count in elements.items() if place.layer == layer and place.part != "branch"
                )
                self.assertEqual(block, model.backbone.blocks[0].count_params())
                matrices = 4 * 32 * 32 + 2 * 32 * 64
                held = sum(count for place, count in stored.items() if place.layer == layer and place.part != "branch")
                self.assertBetween(held, size * matrices, 4 * block)
            self.assertEqual(elements[EMBEDDINGS], (50 + 40 * 2) * 32 + 2 * 32)  # pairs of position and segment


if __name__ == "__main__":
    tf.test.main()
