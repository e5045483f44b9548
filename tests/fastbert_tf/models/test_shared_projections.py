"""Equations 1 and 2, recomputed in NumPy."""

from __future__ import annotations

import keras
import numpy as np
import registry
import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.layers import SharedProjection
from fastbert_tf.models import MaskedLm, SharedProjections, student_config
from fastbert_tf.models.backbone import Backbone
from fastbert_tf.models.shared_projections import weight_pairs

DEPTH = 3
# What one layer holds: names as Keras gives them, in the order of the layer's weights.
BLOCK = ["query", "key", "value", "output_projection"]


def make_models(student_layers=DEPTH):
    keras.utils.set_random_seed(0)
    teacher = registry.make_masked_lm(depth=DEPTH)
    shape = student_config(teacher.config, registry.STUDENT_WIDTH, 20, student_layers)
    student = MaskedLm(Backbone(**shape.to_dict()))
    for model in (teacher, student):
        registry.spread(model)
    return teacher, student


def block_weights(block):
    """The weights of a block, named by hand."""
    dense = [getattr(block.attention, name) for name in BLOCK] + [block.intermediate, block.output_projection]
    norms = [block.attention_norm, block.output_norm]
    return [w.numpy() for layer in dense for w in (layer.kernel, layer.bias)] + [
        w.numpy() for layer in norms for w in (layer.gamma, layer.beta)
    ]


def all_weights(model, blocks):
    """Everything that is projected, as (weight, whether it is a table)."""
    embeddings, transform = model.backbone.embeddings, model.transform
    tables = [embeddings.position_embedding.embeddings.numpy(), embeddings.segment_embedding.embeddings.numpy()]
    rest = [embeddings.layer_norm.gamma, embeddings.layer_norm.beta, transform.dense.kernel, transform.dense.bias]
    rest += [transform.layer_norm.gamma, transform.layer_norm.beta]
    plain = [weight.numpy() for weight in rest] + [w for i in blocks for w in block_weights(model.backbone.blocks[i])]
    return [(table, True) for table in tables] + [(weight, False) for weight in plain]


def matrices(projections):
    """(left, right) by (teacher's shape, whether it is a table)."""
    found = {}
    for key, projection in projections.projections.items():
        shape = tuple(int(size) for size in key.removesuffix("_columns").split("x"))
        left = None if projection.left is None else projection.left.numpy()
        found[shape, len(shape) == 2 and key.endswith("_columns")] = (left, projection.right.numpy())
    return found


def expected_loss(projections, pairs, direction):
    loss, found = 0.0, matrices(projections)
    for (wide, is_table), (narrow, _) in pairs:
        left, right = found[wide.shape, is_table]
        source, target = (wide, narrow) if direction == "down" else (narrow, wide)
        projected = source @ right if left is None else left @ source @ right
        loss += np.mean((projected.astype(np.float64) - target) ** 2)
    return loss


class SharedProjectionsTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters("down", "up")
    def test_loss(self, direction):
        teacher, student = make_models()
        projections = SharedProjections(teacher, student, direction)
        pairs = list(zip(all_weights(teacher, range(DEPTH)), all_weights(student, range(DEPTH)), strict=True))
        self.assertAllClose(projections.projection_loss(), expected_loss(projections, pairs, direction), rtol=1e-5)

    def test_layer_map_chooses_the_teachers_layers(self):
        teacher, student = make_models(student_layers=2)
        projections = SharedProjections(teacher, student, "up", layer_map=(1, 3))
        pairs = list(zip(all_weights(teacher, (0, 2)), all_weights(student, (0, 1)), strict=True))
        self.assertAllClose(projections.projection_loss(), expected_loss(projections, pairs, "up"), rtol=1e-5)

    def test_one_pair_of_matrices_for_each_shape(self):
        """8 x 8, 8 x 16 and 16 x 8 kernels; vectors of 8 and 16; the two tables. U is (d, 8), V (8, d), going down."""
        teacher, student = make_models()
        found = matrices(SharedProjections(teacher, student, "down"))
        shapes = {key: tuple(None if m is None else m.shape for m in pair) for key, pair in found.items()}
        self.assertEqual(
            shapes,
            {
                ((8, 8), False): ((4, 8), (8, 4)),
                ((8, 16), False): ((4, 8), (16, 16)),
                ((16, 8), False): ((16, 16), (8, 4)),
                ((8,), False): (None, (8, 4)),
                ((16,), False): (None, (16, 16)),
                ((14, 8), True): (None, (8, 4)),
                ((2, 8), True): (None, (8, 4)),
            },
        )

    def test_matrices_are_xavier_initialised(self):
        projection = SharedProjection((384, 1536), (192, 768))
        projection.build()
        for matrix in (projection.left, projection.right):
            bound = np.sqrt(6 / sum(matrix.shape))
            self.assertAllInRange(matrix, -bound, bound)
            self.assertAllClose(np.std(matrix), bound / np.sqrt(3), rtol=0.02)

    def test_token_embeddings_and_output_biases_are_left_out(self):
        teacher, student = make_models()
        pairs = weight_pairs(teacher, student)
        projected = {id(pair.teacher) for pair in pairs} | {id(pair.student) for pair in pairs}
        for model in (teacher, student):
            left_out = {weight.path for weight in model.trainable_weights if id(weight) not in projected}
            self.assertEqual(left_out, {model.token_table.path, model.output_logits.bias.path})

    @parameterized.parameters("down", "up")
    def test_gradient_by_finite_differences(self, direction):
        teacher, student = make_models()
        projections = SharedProjections(teacher, student, direction)
        weights = [
            student.backbone.blocks[1].intermediate.kernel,
            teacher.backbone.blocks[1].intermediate.kernel,
            *projections.projections["8x16"].trainable_weights,
        ]
        with tf.GradientTape() as tape:
            loss = projections.projection_loss()
        gradients = tape.gradient(loss, [weight.value for weight in weights])
        for weight, gradient in zip(weights, gradients, strict=True):
            start, towards = weight.numpy(), np.random.default_rng(0).normal(size=weight.shape).astype(np.float32)
            ends = []
            for sign in (1, -1):
                weight.assign(start + sign * 1e-2 * towards)
                ends.append(float(projections.projection_loss()))
            weight.assign(start)
            self.assertAllClose(np.sum(gradient * towards), (ends[0] - ends[1]) / 2e-2, rtol=2e-2, atol=1e-3)

    def test_bad_arguments(self):
        teacher, student = make_models()
        with self.assertRaisesRegex(ValueError, "direction must be one of"):
            SharedProjections(teacher, student, "sideways")
        short = student_config(teacher.config, 4, 20).to_dict()
        short = MaskedLm(Backbone(**{**short, "max_sequence_length": 10}))
        with self.assertRaisesRegex(ValueError, "equally many rows in position_embedding, but have 14 and 10"):
            SharedProjections(teacher, short, "down")
        with self.assertRaisesRegex(ValueError, "both must be matrices"):
            SharedProjection((3,), (2,))
        with self.assertRaisesRegex(ValueError, "must have the same rows"):
            SharedProjection((5, 3), (4, 3), projects_rows=False)


if __name__ == "__main__":
    tf.test.main()
