"""Plain TensorFlow: the graph that anybody would write, weights as constants, called through a session."""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf

from harness.peers.engine import FEATURES, Answers, Engine, Tokens
from harness.peers.portable_model import PortableModel


def load(source: Path, precision: str, threads: int) -> Engine:
    """Builds the graph; in bfloat16 everything but the last softmax is computed in it."""
    model = PortableModel.load(source)
    graph = tf.Graph()
    with graph.as_default():
        inputs = [tf.compat.v1.placeholder(tf.int32, [None, None], name) for name in FEATURES]
        probabilities = _Classifier(model, tf.as_dtype(precision))(*inputs)
    settings = tf.compat.v1.ConfigProto(intra_op_parallelism_threads=threads, inter_op_parallelism_threads=1)
    session = tf.compat.v1.Session(graph=graph, config=settings)
    with graph.as_default():
        function = session.make_callable(probabilities, inputs)

    def call(tokens: Tokens) -> Answers:
        return {"probabilities": function(*(tokens[name] for name in FEATURES))}

    return call


class _Classifier:
    """Encoder and teacher as ops of the current graph."""

    def __init__(self, model: PortableModel, dtype: tf.DType) -> None:
        self.model = model
        self.shape = model.shape
        self.dtype = dtype

    def __call__(self, token_ids: tf.Tensor, segment_ids: tf.Tensor, padding_mask: tf.Tensor) -> tf.Tensor:
        mask = ((1 - tf.cast(padding_mask, self.dtype)) * -1e9)[:, None, None]  # (rows, 1, 1, key)
        words, segments = (self.gathered(*pair) for pair in (("token", token_ids), ("segment", segment_ids)))
        positions = self.weight("embeddings/position")[: tf.shape(token_ids)[1]]
        hidden = self.norm("embeddings/norm", words + segments + positions)  # (rows, sequence, hidden)
        for index in range(self.shape.num_layers):
            hidden = self.block(f"block_{index}", hidden, mask)
        name = self.model.teacher
        narrow = tf.tanh(self.dense(f"{name}/input_projection", hidden))
        first = self.attention(name, narrow[:, :1], narrow, mask, self.shape.branch_heads)[:, 0]  # (rows, branch)
        logits = self.dense(f"{name}/classifier", tf.tanh(self.dense(f"{name}/pooler", first)))
        return tf.nn.softmax(tf.cast(logits, tf.float32))

    def block(self, name: str, hidden: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        attended = self.attention(name, hidden, hidden, mask, self.shape.num_heads)
        hidden = self.norm(f"{name}/attention_norm", hidden + attended)
        inner = tf.nn.gelu(self.dense(f"{name}/inner", hidden), approximate=self.shape.activation == "gelu_tanh")
        return self.norm(f"{name}/output_norm", hidden + self.dense(f"{name}/outer", inner))

    def attention(self, name: str, queries: tf.Tensor, context: tf.Tensor, mask: tf.Tensor, heads: int) -> tf.Tensor:
        sources = {"query": queries, "key": context, "value": context}
        q, k, v = (self.split(self.dense(f"{name}/{part}", x), heads) for part, x in sources.items())
        scores = tf.matmul(q * q.shape[-1] ** -0.5, k, transpose_b=True) + mask  # (rows, heads, query, key)
        pooled = tf.transpose(tf.matmul(tf.nn.softmax(scores), v), [0, 2, 1, 3])
        merged = tf.reshape(pooled, [-1, tf.shape(queries)[1], queries.shape[-1]])  # (rows, query, width)
        return self.dense(f"{name}/output", merged)

    def split(self, x: tf.Tensor, heads: int) -> tf.Tensor:
        x = tf.reshape(x, [-1, tf.shape(x)[1], heads, x.shape[-1] // heads])
        return tf.transpose(x, [0, 2, 1, 3])  # (rows, heads, tokens, head)

    def dense(self, name: str, x: tf.Tensor) -> tf.Tensor:
        kernel, bias = self.weight(f"{name}/kernel"), self.weight(f"{name}/bias")
        rows = tf.reshape(x, [-1, kernel.shape[0]])  # one product of all tokens: fused with its bias
        shape = tf.concat([tf.shape(x)[:-1], kernel.shape[1:]], 0)
        out = tf.reshape(tf.nn.bias_add(tf.matmul(rows, kernel), bias), shape)
        return tf.ensure_shape(out, [*x.shape[:-1], kernel.shape[1]])

    def norm(self, name: str, x: tf.Tensor) -> tf.Tensor:
        scale, offset = self.weight(f"{name}/gamma"), self.weight(f"{name}/beta")
        mean, variance = tf.nn.moments(x, [-1], keepdims=True)
        return tf.nn.batch_normalization(x, mean, variance, offset, scale, self.shape.layer_norm_epsilon)

    def gathered(self, table: str, ids: tf.Tensor) -> tf.Tensor:
        return tf.gather(self.weight(f"embeddings/{table}"), ids)

    def weight(self, name: str) -> tf.Tensor:
        return tf.constant(self.model.arrays[name], self.dtype)
