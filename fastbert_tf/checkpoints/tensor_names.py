"""Tensor names of every format, as data: one table a format.

A row is (our weight, their tensor, layout of theirs); `{i}` counts the blocks from 0. Our weights are attribute paths
from a `Backbone`; theirs are names after the table's `rewrites`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

SAME = "same"  # as in Keras: kernels are (in, out)
TRANSPOSED = "transposed"  # PyTorch kernels: (out, in)
HEADS_OUT = "heads_out"  # (in, heads, head_dim)
HEADS_IN = "heads_in"  # (heads, head_dim, out)
HEADS_BIAS = "heads_bias"  # (heads, head_dim)

Row = tuple[str, str, str]


@dataclass(frozen=True)
class NameTable:
    """Names and layouts of one checkpoint format."""

    rows: tuple[Row, ...]
    """(our weight, their tensor, layout); rows with `{i}` stand once for every block."""
    rewrites: tuple[tuple[str, str], ...] = ()
    """(pattern, replacement) regular expressions that bring older and prefixed names into the table's form."""
    skipped: str = r"(?!)"
    """Pattern of whole names (after the rewrites) that are known and of no use."""

    def expand(self, num_layers: int) -> list[Row]:
        """Returns the rows of a backbone of `num_layers` blocks."""
        return [
            (ours.format(i=i), theirs.format(i=i), layout)
            for ours, theirs, layout in self.rows
            for i in (range(num_layers) if "{i}" in ours else [0])
        ]

    def canonical(self, name: str) -> str:
        """Returns a stored name in the table's form."""
        for pattern, replacement in self.rewrites:
            name = re.sub(pattern, replacement, name)
        return name

    def is_skipped(self, canonical: str) -> bool:
        """Tells whether a tensor is known and of no use."""
        return re.fullmatch(self.skipped, canonical) is not None


HUGGING_FACE = NameTable(
    rows=(
        ("embeddings.token_embedding.embeddings", "embeddings.word_embeddings.weight", SAME),
        ("embeddings.position_embedding.embeddings", "embeddings.position_embeddings.weight", SAME),
        ("embeddings.segment_embedding.embeddings", "embeddings.token_type_embeddings.weight", SAME),
        ("embeddings.layer_norm.gamma", "embeddings.LayerNorm.weight", SAME),
        ("embeddings.layer_norm.beta", "embeddings.LayerNorm.bias", SAME),
        ("blocks.{i}.attention.query.kernel", "encoder.layer.{i}.attention.self.query.weight", TRANSPOSED),
        ("blocks.{i}.attention.query.bias", "encoder.layer.{i}.attention.self.query.bias", SAME),
        ("blocks.{i}.attention.key.kernel", "encoder.layer.{i}.attention.self.key.weight", TRANSPOSED),
        ("blocks.{i}.attention.key.bias", "encoder.layer.{i}.attention.self.key.bias", SAME),
        ("blocks.{i}.attention.value.kernel", "encoder.layer.{i}.attention.self.value.weight", TRANSPOSED),
        ("blocks.{i}.attention.value.bias", "encoder.layer.{i}.attention.self.value.bias", SAME),
        (
            "blocks.{i}.attention.output_projection.kernel",
            "encoder.layer.{i}.attention.output.dense.weight",
            TRANSPOSED,
        ),
        ("blocks.{i}.attention.output_projection.bias", "encoder.layer.{i}.attention.output.dense.bias", SAME),
        ("blocks.{i}.attention_norm.gamma", "encoder.layer.{i}.attention.output.LayerNorm.weight", SAME),
        ("blocks.{i}.attention_norm.beta", "encoder.layer.{i}.attention.output.LayerNorm.bias", SAME),
        ("blocks.{i}.intermediate.kernel", "encoder.layer.{i}.intermediate.dense.weight", TRANSPOSED),
        ("blocks.{i}.intermediate.bias", "encoder.layer.{i}.intermediate.dense.bias", SAME),
        ("blocks.{i}.output_projection.kernel", "encoder.layer.{i}.output.dense.weight", TRANSPOSED),
        ("blocks.{i}.output_projection.bias", "encoder.layer.{i}.output.dense.bias", SAME),
        ("blocks.{i}.output_norm.gamma", "encoder.layer.{i}.output.LayerNorm.weight", SAME),
        ("blocks.{i}.output_norm.beta", "encoder.layer.{i}.output.LayerNorm.bias", SAME),
    ),
    rewrites=(
        (r"^bert\.", ""),
        (r"LayerNorm\.gamma$", "LayerNorm.weight"),
        (r"LayerNorm\.beta$", "LayerNorm.bias"),
    ),
    skipped=r"embeddings\.(position_ids|token_type_ids)",
)

# The head of Hugging Face's BertForMaskedLM; ours are paths from a `MaskedLm`. Its table is the token embeddings'.
HUGGING_FACE_HEAD = NameTable(
    rows=(
        ("transform.dense.kernel", "cls.predictions.transform.dense.weight", TRANSPOSED),
        ("transform.dense.bias", "cls.predictions.transform.dense.bias", SAME),
        ("transform.layer_norm.gamma", "cls.predictions.transform.LayerNorm.weight", SAME),
        ("transform.layer_norm.beta", "cls.predictions.transform.LayerNorm.bias", SAME),
        ("output_logits.bias", "cls.predictions.bias", SAME),
    ),
    rewrites=HUGGING_FACE.rewrites[1:],
    skipped=r"(?!cls\.predictions\.).*|cls\.predictions\.decoder\..*",
)

GOOGLE = NameTable(
    rows=(
        ("embeddings.token_embedding.embeddings", "embeddings/word_embeddings", SAME),
        ("embeddings.position_embedding.embeddings", "embeddings/position_embeddings", SAME),
        ("embeddings.segment_embedding.embeddings", "embeddings/token_type_embeddings", SAME),
        ("embeddings.layer_norm.gamma", "embeddings/LayerNorm/gamma", SAME),
        ("embeddings.layer_norm.beta", "embeddings/LayerNorm/beta", SAME),
        ("blocks.{i}.attention.query.kernel", "encoder/layer_{i}/attention/self/query/kernel", SAME),
        ("blocks.{i}.attention.query.bias", "encoder/layer_{i}/attention/self/query/bias", SAME),
        ("blocks.{i}.attention.key.kernel", "encoder/layer_{i}/attention/self/key/kernel", SAME),
        ("blocks.{i}.attention.key.bias", "encoder/layer_{i}/attention/self/key/bias", SAME),
        ("blocks.{i}.attention.value.kernel", "encoder/layer_{i}/attention/self/value/kernel", SAME),
        ("blocks.{i}.attention.value.bias", "encoder/layer_{i}/attention/self/value/bias", SAME),
        ("blocks.{i}.attention.output_projection.kernel", "encoder/layer_{i}/attention/output/dense/kernel", SAME),
        ("blocks.{i}.attention.output_projection.bias", "encoder/layer_{i}/attention/output/dense/bias", SAME),
        ("blocks.{i}.attention_norm.gamma", "encoder/layer_{i}/attention/output/LayerNorm/gamma", SAME),
        ("blocks.{i}.attention_norm.beta", "encoder/layer_{i}/attention/output/LayerNorm/beta", SAME),
        ("blocks.{i}.intermediate.kernel", "encoder/layer_{i}/intermediate/dense/kernel", SAME),
        ("blocks.{i}.intermediate.bias", "encoder/layer_{i}/intermediate/dense/bias", SAME),
        ("blocks.{i}.output_projection.kernel", "encoder/layer_{i}/output/dense/kernel", SAME),
        ("blocks.{i}.output_projection.bias", "encoder/layer_{i}/output/dense/bias", SAME),
        ("blocks.{i}.output_norm.gamma", "encoder/layer_{i}/output/LayerNorm/gamma", SAME),
        ("blocks.{i}.output_norm.beta", "encoder/layer_{i}/output/LayerNorm/beta", SAME),
    ),
    rewrites=((r"^bert/", ""),),
    skipped=r".*/(adam_m|adam_v|Adam|Adam_1)|global_step|beta[12]_power",
)

MODEL_GARDEN = NameTable(  # theirs are attribute paths from the encoder, in the checkpoint's object graph
    rows=(
        ("embeddings.token_embedding.embeddings", "_embedding_layer/embeddings", SAME),
        ("embeddings.position_embedding.embeddings", "_position_embedding_layer/embeddings", SAME),
        ("embeddings.segment_embedding.embeddings", "_type_embedding_layer/embeddings", SAME),
        ("embeddings.layer_norm.gamma", "_embedding_norm_layer/gamma", SAME),
        ("embeddings.layer_norm.beta", "_embedding_norm_layer/beta", SAME),
        (
            "blocks.{i}.attention.query.kernel",
            "_transformer_layers/{i}/_attention_layer/_query_dense/kernel",
            HEADS_OUT,
        ),
        ("blocks.{i}.attention.query.bias", "_transformer_layers/{i}/_attention_layer/_query_dense/bias", HEADS_BIAS),
        ("blocks.{i}.attention.key.kernel", "_transformer_layers/{i}/_attention_layer/_key_dense/kernel", HEADS_OUT),
        ("blocks.{i}.attention.key.bias", "_transformer_layers/{i}/_attention_layer/_key_dense/bias", HEADS_BIAS),
        (
            "blocks.{i}.attention.value.kernel",
            "_transformer_layers/{i}/_attention_layer/_value_dense/kernel",
            HEADS_OUT,
        ),
        ("blocks.{i}.attention.value.bias", "_transformer_layers/{i}/_attention_layer/_value_dense/bias", HEADS_BIAS),
        (
            "blocks.{i}.attention.output_projection.kernel",
            "_transformer_layers/{i}/_attention_layer/_output_dense/kernel",
            HEADS_IN,
        ),
        (
            "blocks.{i}.attention.output_projection.bias",
            "_transformer_layers/{i}/_attention_layer/_output_dense/bias",
            SAME,
        ),
        ("blocks.{i}.attention_norm.gamma", "_transformer_layers/{i}/_attention_layer_norm/gamma", SAME),
        ("blocks.{i}.attention_norm.beta", "_transformer_layers/{i}/_attention_layer_norm/beta", SAME),
        ("blocks.{i}.intermediate.kernel", "_transformer_layers/{i}/_intermediate_dense/kernel", SAME),
        ("blocks.{i}.intermediate.bias", "_transformer_layers/{i}/_intermediate_dense/bias", SAME),
        ("blocks.{i}.output_projection.kernel", "_transformer_layers/{i}/_output_dense/kernel", SAME),
        ("blocks.{i}.output_projection.bias", "_transformer_layers/{i}/_output_dense/bias", SAME),
        ("blocks.{i}.output_norm.gamma", "_transformer_layers/{i}/_output_layer_norm/gamma", SAME),
        ("blocks.{i}.output_norm.beta", "_transformer_layers/{i}/_output_layer_norm/beta", SAME),
    ),
    rewrites=((r"/\.ATTRIBUTES/VARIABLE_VALUE$", ""),),
    skipped=r"_CHECKPOINTABLE_OBJECT_GRAPH|save_counter|global_step|(.*/)?optimizer/.*|.*/\.OPTIMIZER_SLOT/.*",
)
