"""A portable model as an ONNX graph.

Two dialects: standard operators (`LayerNormalization`, `Erf`, `Softmax` ...), which every engine fuses as it can, and
ONNX Runtime's own fused operators (`Attention`, `SkipLayerNormalization`, `BiasGelu`), which are what its transformer
optimiser would rewrite the first into.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from harness.peers.portable_model import PortableModel

INPUTS = ("token_ids", "segment_ids", "padding_mask")
OUTPUT = "probabilities"
MASKED_SCORE = -1e9
OPERATOR_SET = 17
RUNTIME_DOMAIN = "com.microsoft"


def onnx_model(model: PortableModel, fused: bool) -> onnx.ModelProto:
    """Builds the graph from int32 (rows, sequence) tokens to float32 (rows, classes) probabilities.

    Args:
        model: weights and sizes.
        fused: whether ONNX Runtime's own operators are used.
    """
    graph = (_FusedGraph if fused else _StandardGraph)(model)
    graph.build()
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT32, ["rows", "sequence"]) for name in INPUTS]
    classes = model.shape.num_classes
    output = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["rows", classes])
    body = helper.make_graph(graph.nodes, "classifier", inputs, [output], graph.initializers)
    domains = [helper.make_opsetid("", OPERATOR_SET), helper.make_opsetid(RUNTIME_DOMAIN, 1)]
    return helper.make_model(body, opset_imports=domains[: 1 + fused], ir_version=8)


class _StandardGraph:
    """Writes nodes one by one; every method takes and returns names of values.

    Args:
        model: weights and sizes.
    """

    def __init__(self, model: PortableModel) -> None:
        self.model = model
        self.shape = model.shape
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def build(self) -> None:
        """Writes the whole classifier."""
        hidden = self.embed()
        mask = self.mask()
        for index in range(self.shape.num_layers):
            hidden = self.block(f"block_{index}", hidden, mask)
        self.classify(hidden)

    # === Model ===

    def embed(self) -> str:
        """(rows, sequence) to (rows, sequence, hidden)."""
        words = self.op("Gather", self.weight("embeddings/token"), INPUTS[0])
        segments = self.op("Gather", self.weight("embeddings/segment"), INPUTS[1])
        length = self.op("Slice", self.op("Shape", INPUTS[0]), *self.integers([1], [2], [0]))  # (1,)
        positions = self.op(
            "Slice", self.weight("embeddings/position"), *self.integers([0]), length, *self.integers([0])
        )
        return self.norm("embeddings/norm", self.op("Add", self.op("Add", words, segments), positions))

    def mask(self) -> str:
        """int32 (rows, sequence) padding mask to what attention adds to scores, (rows, 1, 1, sequence)."""
        real = self.op("Cast", INPUTS[2], to=TensorProto.FLOAT)
        bias = self.op("Mul", self.op("Sub", self.floats(1.0), real), self.floats(MASKED_SCORE))
        return self.op("Unsqueeze", bias, *self.integers([1, 2]))

    def block(self, name: str, hidden: str, mask: str) -> str:
        """(rows, sequence, hidden) to the same."""
        attended = self.dense(f"{name}/output", self.attention(name, hidden, mask, self.shape.num_heads))
        hidden = self.add_norm(f"{name}/attention_norm", hidden, attended)
        outer = self.dense(f"{name}/outer", self.gelu_dense(f"{name}/inner", hidden))
        return self.add_norm(f"{name}/output_norm", hidden, outer)

    def classify(self, hidden: str) -> None:
        """The teacher; only the first token is read after its attention, so only its query is computed."""
        name, heads = self.model.teacher, self.shape.branch_heads
        narrow = self.op("Tanh", self.dense(f"{name}/input_projection", hidden))  # (rows, sequence, branch)
        first = self.op("Slice", narrow, *self.integers([0], [1], [1]))  # (rows, 1, branch)
        mask = _StandardGraph.mask(self)
        context = self.products(name, *self.projections(name, first, narrow, heads), mask, heads)
        pooled = self.op("Squeeze", self.dense(f"{name}/output", context), *self.integers([1]))  # (rows, branch)
        logits = self.dense(f"{name}/classifier", self.op("Tanh", self.dense(f"{name}/pooler", pooled)))
        self.op("Softmax", logits, output=OUTPUT, axis=-1)

    def attention(self, name: str, hidden: str, mask: str, heads: int) -> str:
        """Context (rows, sequence, hidden) before the output projection."""
        return self.products(name, *self.projections(name, hidden, hidden, heads), mask, heads)

    def projections(self, name: str, queries: str, context: str, heads: int) -> tuple[str, str, str]:
        """Query, key and value, each (rows, heads, tokens, head)."""

        def split(part: str, x: str) -> str:
            return self.op("Reshape", self.dense(f"{name}/{part}", x), *self.integers([0, 0, heads, -1]))

        query, key, value = split("query", queries), split("key", context), split("value", context)
        q, k, v = (self.op("Transpose", x, perm=[0, 2, 1, 3]) for x in (query, key, value))
        return q, k, v

    def products(self, name: str, q: str, k: str, v: str, mask: str, heads: int) -> str:
        """Attention of (rows, heads, tokens, head) operands; (rows, queries, width)."""
        width = self.model.arrays[f"{name}/query/kernel"].shape[1]
        scores = self.op("MatMul", q, self.op("Transpose", k, perm=[0, 1, 3, 2]))  # (rows, heads, query, key)
        scores = self.op("Div", scores, self.floats((width // heads) ** 0.5))
        weights = self.op("Softmax", self.op("Add", scores, mask), axis=-1)
        merged = self.op("Transpose", self.op("MatMul", weights, v), perm=[0, 2, 1, 3])
        return self.op("Reshape", merged, *self.integers([0, 0, width]))

    def gelu_dense(self, name: str, x: str) -> str:
        """Dense layer and GELU."""
        x = self.dense(name, x)
        if self.shape.activation == "gelu_tanh":
            cubic = self.op("Mul", self.op("Mul", self.op("Mul", x, x), x), self.floats(0.044715))
            inner = self.op("Tanh", self.op("Mul", self.op("Add", x, cubic), self.floats((2 / np.pi) ** 0.5)))
        else:
            inner = self.op("Erf", self.op("Div", x, self.floats(2**0.5)))
        return self.op("Mul", self.op("Mul", x, self.op("Add", inner, self.floats(1.0))), self.floats(0.5))

    def add_norm(self, name: str, x: str, y: str) -> str:
        """Layer normalisation of a sum."""
        return self.norm(name, self.op("Add", x, y))

    # === Writing ===

    def dense(self, name: str, x: str) -> str:
        """(..., inputs) to (..., outputs)."""
        kernel, bias = self.weight(f"{name}/kernel"), self.weight(f"{name}/bias")
        return self.op("Add", self.op("MatMul", x, kernel), bias)

    def norm(self, name: str, x: str) -> str:
        """Layer normalisation of the last axis."""
        weights = self.weight(f"{name}/gamma"), self.weight(f"{name}/beta")
        return self.op("LayerNormalization", x, *weights, axis=-1, epsilon=self.shape.layer_norm_epsilon)

    def op(self, kind: str, *inputs: str, output: str | None = None, **attributes: object) -> str:
        """Adds a node of one output."""
        output = output or f"value_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], name=f"{kind}_{len(self.nodes)}", **attributes))
        return output

    def weight(self, name: str) -> str:
        """One of the model's arrays."""
        return self.constant(self.model.arrays[name], name)

    def integers(self, *values: Sequence[int]) -> list[str]:
        """int64 vectors."""
        return [self.constant(np.array(value, np.int64)) for value in values]

    def floats(self, value: float) -> str:
        """A float32 scalar."""
        return self.constant(np.array(value, np.float32))

    def constant(self, value: np.ndarray, name: str | None = None) -> str:
        """An initialiser; a name is stored once."""
        name = name or f"constant_{len(self.initializers)}"
        if name not in {stored.name for stored in self.initializers}:
            self.initializers.append(numpy_helper.from_array(value, name))
        return name


class _FusedGraph(_StandardGraph):
    """The same with ONNX Runtime's own operators."""

    def mask(self) -> str:
        """The operator `Attention` takes the padding mask itself."""
        return INPUTS[2]

    def attention(self, name: str, hidden: str, mask: str, heads: int) -> str:
        kernel, bias = self.model.fused(name, "query", "key", "value")
        weights = self.constant(kernel, f"{name}/qkv/kernel"), self.constant(bias, f"{name}/qkv/bias")
        return self.op("Attention", hidden, *weights, mask, domain=RUNTIME_DOMAIN, num_heads=heads)

    def gelu_dense(self, name: str, x: str) -> str:
        product = self.op("MatMul", x, self.weight(f"{name}/kernel"))
        kind = "FastGelu" if self.shape.activation == "gelu_tanh" else "BiasGelu"
        return self.op(kind, product, self.weight(f"{name}/bias"), domain=RUNTIME_DOMAIN)

    def add_norm(self, name: str, x: str, y: str) -> str:
        weights = self.weight(f"{name}/gamma"), self.weight(f"{name}/beta")
        epsilon = self.shape.layer_norm_epsilon
        return self.op("SkipLayerNormalization", x, y, *weights, domain=RUNTIME_DOMAIN, epsilon=epsilon)
