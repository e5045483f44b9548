"""Parts by name and FLOPs by part: against numbers by hand and TensorFlow's own count of operations."""

from __future__ import annotations

from collections import Counter

import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.config import BackboneConfig, FastBertConfig
from fastbert_tf.evaluation import ProfiledStack, executed_breakdown
from fastbert_tf.evaluation.profile_parts import PARTS, Place, ScopedStack, locate, paper_flops_by_part
from fastbert_tf.inference import KerasStack
from fastbert_tf.models import FastBert

SMALL = FastBertConfig(BackboneConfig(50, 3, 4, 32, 64, max_sequence_length=40), 3, branch_dim=8, branch_heads=2)
BERT_BASE = FastBertConfig(BackboneConfig(30522, 12, 12, 768, 3072), num_classes=2)
ROWS, LENGTH = 2, 9


def matrix_products_by_place(stack) -> Counter[Place]:
    """FLOPs of all layers and branches, as TensorFlow's profiler counts them at each name of the graph."""

    def every_layer_and_branch(inputs):
        scoped, said = ScopedStack(stack), []
        state = scoped.start(inputs)
        for index in range(scoped.num_layers):
            state = scoped.layer(index, state)
            said.append(scoped.classify(index, state))
        return said

    signature = {name: tf.TensorSpec([ROWS, LENGTH], tf.int32) for name in ("token_ids", "segment_ids", "padding_mask")}
    graph = tf.function(every_layer_and_branch, autograph=False).get_concrete_function(signature).graph
    builder = tf.compat.v1.profiler.ProfileOptionBuilder
    options = builder(builder.float_operation()).with_empty_output().build()
    nodes = [tf.compat.v1.profiler.profile(graph, tf.compat.v1.RunMetadata(), cmd="scope", options=options)]
    found: Counter[Place] = Counter()
    while nodes:
        node = nodes.pop()
        nodes.extend(node.children)
        if node.name.split("/")[-1].startswith("MatMul"):
            found[locate(node.name)] += node.float_ops
    return found


class NamedStack:
    """A stack that names its operations after the parts."""

    num_layers, num_classes, width = 2, 2, 4

    def start(self, inputs):
        return tf.one_hot(inputs["token_ids"], self.width)

    def layer(self, index, state):
        with tf.name_scope("attention_products"):
            scores = tf.matmul(state, state, transpose_b=True)
        with tf.name_scope("feed_forward"):
            return tf.matmul(scores, state)

    def classify(self, index, state):
        return tf.nn.softmax(tf.matmul(state[:, 0], tf.eye(self.width, self.num_classes)))


class LocateTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(
        ("embeddings/token_embedding/GatherV2", "embeddings", None),
        ("cond/then/_12/embeddings/embeddings_1/layer_norm_1/mul", "embeddings", None),
        ("block_0/attention/query/MatMul", "attention_projections", 1),
        ("body/_1/switch_case/branch11/block_11_1/attention_1/value_1/Tensordot/MatMul", "attention_projections", 12),
        ("block_2/attention/output_projection/BiasAdd", "attention_projections", 3),
        ("block_2/block_2/attention/MatMul_1", "attention_products", 3),
        ("block_2/attention/Softmax", "attention_products", 3),
        ("block_2/Gelu/Erfc", "feed_forward", 3),
        ("block_2/intermediate_1/BiasAdd", "feed_forward", 3),
        ("block_2/output_projection/MatMul", "feed_forward", 3),
        ("block_2/attention_norm/mul", "norms_and_rest", 3),
        ("block_2/add_1", "norms_and_rest", 3),
        ("block_2/StatefulPartitionedCall/attention_products_1/MatMul", "attention_products", 3),
        ("block_2/attention_projections/MatMul", "attention_projections", 3),
        ("branch_10_1/attention_1/query_1/MatMul", "branch", 11),
        ("branch_1/Softmax", "branch", 2),
        ("cond/then/_3/branch0/GatherV2", "exit_loop", None),
        ("blocks_are/many", "exit_loop", None),
    )  # fmt: skip
    def test_place(self, name, part, layer):
        self.assertEqual(locate(name), Place(part, layer))


class CountsTest(tf.test.TestCase):
    def test_paper_flops_of_bert_base(self):
        parts = paper_flops_by_part(BERT_BASE, 128)
        self.assertEqual(parts["attention_projections"] + parts["feed_forward"], 1_811_939_328)
        self.assertEqual(parts["branch"], 41_975_808)

    def test_profiler_counts_the_same_at_every_place(self):
        found = matrix_products_by_place(KerasStack(FastBert.from_fastbert_config(SMALL)))
        expected = {
            Place(part, layer): ROWS * flops
            for part, flops in executed_breakdown(SMALL, LENGTH, folded_branch=False).items()
            for layer in (1, 2, 3)
        }
        self.assertEqual(found, expected)

    def test_a_stack_that_names_its_scopes_after_the_parts(self):
        found = matrix_products_by_place(NamedStack())
        products = 2 * ROWS * LENGTH * LENGTH * NamedStack.width
        classes = 2 * ROWS * NamedStack.width * NamedStack.num_classes
        for layer in (1, 2):
            self.assertEqual(found.pop(Place("attention_products", layer)), products)
            self.assertEqual(found.pop(Place("feed_forward", layer)), products)
            self.assertEqual(found.pop(Place("branch", layer)), classes)
        self.assertEmpty(found)

    def test_places_are_all_parts_in_order(self):
        places = ProfiledStack(NamedStack(), SMALL).places
        self.assertEqual(list(dict.fromkeys(place.part for place in places)), list(PARTS))
        self.assertLen(places, 1 + 2 * 5 + 1)


if __name__ == "__main__":
    tf.test.main()
