"""FLOPs against the published numbers, TensorFlow's profiler, and the matrix products of a running exit loop."""

from __future__ import annotations

import contextlib

import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from tensorflow.python.framework import op_callbacks  # no public API tells the shapes of executed operations
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2  # nor one graph of all

from fastbert_tf.config import BackboneConfig, FastBertConfig
from fastbert_tf.evaluation import executed_breakdown, executed_flops, paper_breakdown, paper_flops
from fastbert_tf.inference import ExitLoop, ExitPolicy, FullDepth, KerasStack
from fastbert_tf.inference.packed import FloatStack
from fastbert_tf.layers import BranchClassifier, EncoderBlock
from fastbert_tf.models import FastBert

BERT_BASE = FastBertConfig(BackboneConfig(30522, 12, 12, 768, 3072), num_classes=2)
SMALL = FastBertConfig(BackboneConfig(50, 3, 4, 32, 64, max_sequence_length=40), 3, branch_dim=8, branch_heads=2)
MATRIX_PRODUCTS = ("MatMul", "BatchMatMulV2")


class LeaveAtShareOfDepth(ExitPolicy):
    """A row leaves once the share of layers it has not seen is below its speed: exits chosen by the test."""

    memory = SMALL.backbone.num_layers

    def doubt(self, said, layer):
        return tf.fill(tf.shape(said[-1])[:1], 1 - len(said) / SMALL.backbone.num_layers)


def profiled_flops(function, *signature) -> dict[str, int]:
    """FLOPs by operation type, as TensorFlow's profiler counts them in the traced graph."""
    graph = tf.function(function, autograph=False).get_concrete_function(*signature).graph
    return flops_by_operation(graph, tf.compat.v1.RunMetadata())


def profiled_flops_of_a_run(function, features: dict[str, np.ndarray]) -> dict[str, int]:
    """The same where shapes are known only as the graph runs: the profiler takes them from the run's metadata."""
    specs = {name: tf.TensorSpec([None, None], tf.int32) for name in features}
    traced = tf.function(function, autograph=False).get_concrete_function(specs)
    frozen = convert_variables_to_constants_v2(traced, lower_control_flow=True)  # the profiler sees into no function
    settings, metadata = tf.compat.v1.ConfigProto(), tf.compat.v1.RunMetadata()
    settings.graph_options.rewrite_options.disable_meta_optimizer = True  # nothing is fused or folded
    feeds = {tensor.name: features[name] for tensor, name in zip(frozen.inputs, sorted(features), strict=True)}
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(frozen.graph.as_graph_def(), name="")
        with tf.compat.v1.Session(graph=graph, config=settings) as session:
            trace = tf.compat.v1.RunOptions(trace_level=tf.compat.v1.RunOptions.FULL_TRACE)
            session.run([tensor.name for tensor in frozen.outputs], feeds, trace, metadata)
        return flops_by_operation(graph, metadata)


def flops_by_operation(graph: tf.Graph, metadata: tf.compat.v1.RunMetadata) -> dict[str, int]:
    builder = tf.compat.v1.profiler.ProfileOptionBuilder
    options = builder(builder.float_operation()).with_empty_output().build()
    node = tf.compat.v1.profiler.profile(graph, metadata, cmd="op", options=options)
    found = {}
    while node.children:
        (node,) = node.children
        found[node.name] = node.float_ops
    return found


def matrix_products(found: dict[str, int]) -> int:
    return sum(found.get(name, 0) for name in MATRIX_PRODUCTS)


@contextlib.contextmanager
def counted_products():
    """Yields a list that gets the FLOPs of every matrix product as it runs."""
    computed = []

    def count(op_type, inputs, attrs, outputs, op_name=None, graph=None):
        if op_type in MATRIX_PRODUCTS:
            computed.append(2 * int(np.prod(outputs[0].shape)) * int(inputs[0].shape[-1]))

    op_callbacks.add_op_callback(count)
    try:
        yield computed
    finally:
        op_callbacks.remove_op_callback(count)


def token_signature(rows: int, length: int) -> dict[str, tf.TensorSpec]:
    return {name: tf.TensorSpec([rows, length], tf.int32) for name in ("token_ids", "segment_ids", "padding_mask")}


class PaperFlopsTest(tf.test.TestCase, parameterized.TestCase):
    def test_parts_of_bert_base(self):
        parts = paper_breakdown(BERT_BASE)
        self.assertEqual(parts["self_attention"] + parts["feed_forward"], 1_811_939_328)
        self.assertEqual(parts["branch_input"], 25_165_824)
        self.assertEqual(parts["branch_attention"], 16_777_216)
        self.assertEqual(parts["branch_pooler"], 32_768)

    def test_a_branch_is_what_a_row_pays_beside_the_layer(self):
        self.assertEqual(paper_flops(BERT_BASE, 1) - 1_811_939_328, 41_975_808)

    def test_plain_bert_is_twelve_layers_and_the_teacher(self):
        self.assertEqual(paper_flops(BERT_BASE), 21_785_247_744)

    @parameterized.parameters(*range(1, 13))
    def test_a_row_pays_every_layer_and_branch_it_saw(self, layer):
        self.assertEqual(paper_flops(BERT_BASE, layer), layer * 1_853_915_136)

    @parameterized.parameters((1, 1853), (2, 3707), (6, 11123), (None, 21785))
    def test_published_millions(self, layer, millions):
        self.assertEqual(int(paper_flops(BERT_BASE, layer)) // 10**6, millions)

    def test_table_1_counts_the_pooler_for_every_token(self):
        parts = paper_breakdown(BERT_BASE)
        branch = parts["branch_input"] + parts["branch_attention"] + 128 * parts["branch_pooler"]
        self.assertEqual(branch // 10**5, 461)  # 46.1M
        self.assertEqual(parts["feed_forward"] // 10**5, 12079)  # 1207.9M

    def test_arrays(self):
        self.assertAllEqual(paper_flops(BERT_BASE, np.array([2, 1])), [3_707_830_272, 1_853_915_136])

    def test_linear_in_the_length(self):
        pooler = 32_768  # counted for one token at any length
        at_64, at_128 = paper_flops(BERT_BASE, 1, 64), paper_flops(BERT_BASE, 1, 128)
        self.assertEqual(2 * (at_64 - pooler), at_128 - pooler)

    @parameterized.parameters(0, 13, -1, 1.5, [[]])
    def test_no_such_layer(self, layer):
        with self.assertRaisesRegex(ValueError, "exit_layer must hold integers from 1 to the model's 12 layers"):
            paper_flops(BERT_BASE, layer)

    @parameterized.parameters(0, -3, 1.5)
    def test_no_such_length(self, length):
        with self.assertRaisesRegex(ValueError, "sequence_length must hold integers of at least 1"):
            paper_flops(BERT_BASE, 1, length)
        with self.assertRaisesRegex(ValueError, "sequence_length must hold integers of at least 1"):
            executed_flops(BERT_BASE, 1, [5, length])


class ExecutedFlopsTest(tf.test.TestCase, parameterized.TestCase):
    def test_bert_base_by_hand(self):
        layer = 1_811_939_328 + 2 * 2 * 128 * 128 * 768  # and the attention products
        branch = 25_165_824 + 16_777_216 // 2  # input; keys and values of all tokens
        branch += 2 * 2 * 128 * 128 + 2 * 2 * 128 * 128 + 32_768 + 2 * 128 * 2  # first token alone, classes
        self.assertEqual(executed_flops(BERT_BASE, 1, folded_branch=False), layer + branch)
        self.assertEqual(executed_flops(BERT_BASE, folded_branch=False), 12 * layer + branch)

    def test_parts_of_bert_base(self):
        parts = executed_breakdown(BERT_BASE, folded_branch=False)
        self.assertEqual(parts["attention_projections"], 2 * 128 * 4 * 768 * 768)
        self.assertEqual(parts["attention_products"], 2 * 2 * 128 * 128 * 768)
        self.assertEqual(parts["feed_forward"], 2 * 128 * 2 * 768 * 3072)
        self.assertEqual(parts["branch"], 33_718_784)
        self.assertEqual(sum(parts.values()), executed_flops(BERT_BASE, 1, folded_branch=False))

    def test_folded_branch_of_bert_base(self):
        folded = 25_165_824  # input
        folded += 2 * 128 * 256 + 2 * 256 * 128  # query and pooler of two heads, each as wide as the branch
        folded += 2 * 2 * 2 * 128 * 128 + 2 * 128 * 2  # scores and pooling of two heads; classes
        parts = executed_breakdown(BERT_BASE)
        self.assertEqual(parts["branch"], folded)
        self.assertEqual({**parts, "branch": 0}, {**executed_breakdown(BERT_BASE, folded_branch=False), "branch": 0})
        self.assertEqual(executed_flops(BERT_BASE, 3), 3 * sum(parts.values()))

    def test_the_packed_stack_computes_exactly_this(self):
        rows, length = 3, 17
        stack = FloatStack(FastBert.from_fastbert_config(SMALL))
        inputs = {name: tf.ones(spec.shape, tf.int32) for name, spec in token_signature(rows, length).items()}
        tf.config.run_functions_eagerly(True)  # so that products inside the stack's functions are seen
        self.addCleanup(tf.config.run_functions_eagerly, False)
        layers, branches, state = [], [], stack.start(inputs)
        for index in range(stack.num_layers):
            with counted_products() as computed:
                state = stack.layer(index, state)
            layers.append(sum(computed))
            with counted_products() as computed:
                stack.classify(index, state)
            branches.append(sum(computed))
        parts = executed_breakdown(SMALL, length)
        branch = parts.pop("branch")
        self.assertEqual(layers, [rows * sum(parts.values())] * stack.num_layers)
        self.assertEqual(branches, [rows * branch] * stack.num_layers)

    def test_profiler_agrees_on_the_packed_graph(self):
        """A row of 5 tokens, padded to 8: the real ones alone count, at full depth as at an exit."""
        stack = FloatStack(FastBert.from_fastbert_config(SMALL))
        mask = (np.arange(8) < 5).astype(np.int32)[None]
        features = {"token_ids": mask, "segment_ids": 0 * mask, "padding_mask": mask}

        def two_exits(inputs):
            state, said = stack.start(inputs), []
            for index in range(2):
                state = stack.layer(index, state)
                said.append(stack.classify(index, state))
            return tf.stack(said)

        for function, exit_layer in ((FullDepth(stack).__call__, None), (two_exits, 2)):
            found = profiled_flops_of_a_run(function, features)
            self.assertEqual(matrix_products(found), executed_flops(SMALL, exit_layer, 5))

    def test_arrays_broadcast(self):
        counts = executed_flops(SMALL, np.array([1, 3]), np.array([5, 17]))
        self.assertAllEqual(counts, [executed_flops(SMALL, 1, 5), executed_flops(SMALL, 3, 17)])

    @parameterized.parameters((1, 2), (5, 17))
    def test_profiler_agrees_on_the_full_depth(self, rows, length):
        full_depth = FullDepth(KerasStack(FastBert.from_fastbert_config(SMALL)))
        found = profiled_flops(full_depth.__call__, token_signature(rows, length))
        self.assertEqual(matrix_products(found), rows * executed_flops(SMALL, None, length, folded_branch=False))

    def test_profiler_agrees_on_a_layer_and_a_branch_of_bert_base(self):
        hidden = tf.TensorSpec([1, 128, 768], tf.float32)
        mask = tf.TensorSpec([1, 128], tf.int32)
        block, classifier = EncoderBlock(768, 12, 3072), BranchClassifier(2)
        block.build(hidden.shape)
        classifier.build(hidden.shape)
        layer = profiled_flops(lambda x, m: block(x, m, training=False), hidden, mask)
        branch = profiled_flops(classifier.__call__, hidden, mask)
        self.assertEqual(matrix_products(layer), 1_862_270_976)
        self.assertEqual(matrix_products(branch), 33_718_784)
        self.assertEqual(
            matrix_products(layer) + matrix_products(branch), executed_flops(BERT_BASE, 1, folded_branch=False)
        )
        self.assertLess(sum(layer.values()), 1.004 * 1_862_270_976)  # softmax, GELU, normalisation, biases
        self.assertLess(sum(branch.values()), 1.004 * 33_718_784)

    def test_the_rest_is_elementwise(self):
        full_depth = FullDepth(KerasStack(FastBert.from_fastbert_config(SMALL)))
        found = profiled_flops(full_depth.__call__, token_signature(2, 9))
        elementwise = {"Mul", "Softmax", "AddV2", "BiasAdd", "Mean", "SquaredDifference", "Neg", "Rsqrt", "Sub", "Less"}
        self.assertContainsSubset(set(found), {*MATRIX_PRODUCTS, *elementwise})

    def test_a_running_loop_computes_exactly_this(self):
        """Counts the matrix products of the exit loop as they run: rows that left cost nothing."""
        rows, length = 5, 17
        exit_layers = np.array([1, 3, 2, 1, 3])
        loop = ExitLoop(KerasStack(FastBert.from_fastbert_config(SMALL)), LeaveAtShareOfDepth())
        inputs = {name: tf.ones(spec.shape, tf.int32) for name, spec in token_signature(rows, length).items()}
        with counted_products() as computed:
            answers = loop(inputs, tf.constant(1 - (exit_layers - 0.5) / 3, tf.float32))
        self.assertAllEqual(answers["exit_layer"], exit_layers)
        self.assertEqual(sum(computed), executed_flops(SMALL, exit_layers, length, folded_branch=False).sum())


if __name__ == "__main__":
    tf.test.main()
