"""PyTorch: plain modules with its fused attention; bfloat16 by autocast-free casting, int8 by dynamic quantisation."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.peers.engine import FEATURES, Answers, Engine, Tokens
from harness.peers.portable_model import PortableModel


class Attention(nn.Module):
    """Fused projections, scaled dot-product attention; queries may be fewer than keys."""

    def __init__(self, model: PortableModel, name: str, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = _linear(*model.dense(f"{name}/query"))
        self.key_value = _linear(*model.fused(name, "key", "value"))
        self.output = _linear(*model.dense(f"{name}/output"))

    def forward(self, queries: Tensor, context: Tensor, mask: Tensor | None) -> Tensor:
        projected = (self.query(queries), *self.key_value(context).chunk(2, dim=-1))
        q, k, v = (x.unflatten(-1, (self.heads, -1)).transpose(1, 2) for x in projected)  # (rows, heads, tokens, head)
        pooled = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.output(pooled.transpose(1, 2).flatten(2))


class SelfAttention(nn.Module):
    """The same where queries are all tokens: one product projects all three."""

    def __init__(self, model: PortableModel, name: str, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.projection = _linear(*model.fused(name, "query", "key", "value"))
        self.output = _linear(*model.dense(f"{name}/output"))

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        parts = self.projection(x).chunk(3, dim=-1)
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts)
        pooled = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)  # (rows, heads, tokens, head)
        return self.output(pooled.transpose(1, 2).flatten(2))


class Block(nn.Module):
    """An encoder block."""

    def __init__(self, model: PortableModel, name: str) -> None:
        super().__init__()
        shape = model.shape
        self.attention = SelfAttention(model, name, shape.num_heads)
        self.attention_norm = _norm(model, f"{name}/attention_norm")
        self.inner = _linear(*model.dense(f"{name}/inner"))
        self.outer = _linear(*model.dense(f"{name}/outer"))
        self.output_norm = _norm(model, f"{name}/output_norm")
        self.gelu = nn.GELU("tanh" if shape.activation == "gelu_tanh" else "none")

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        x = self.attention_norm(x + self.attention(x, mask))
        return self.output_norm(x + self.outer(self.gelu(self.inner(x))))


class Classifier(nn.Module):
    """Encoder and teacher."""

    def __init__(self, model: PortableModel) -> None:
        super().__init__()
        tables = ("token", "segment", "position")
        self.tables = nn.ModuleList(
            nn.Embedding.from_pretrained(torch.tensor(model.arrays[f"embeddings/{name}"])) for name in tables
        )
        self.norm = _norm(model, "embeddings/norm")
        self.blocks = nn.ModuleList(Block(model, f"block_{index}") for index in range(model.shape.num_layers))
        self.narrow = _linear(*model.dense(f"{model.teacher}/input_projection"))
        self.attention = Attention(model, model.teacher, model.shape.branch_heads)
        self.pooler = _linear(*model.dense(f"{model.teacher}/pooler"))
        self.classifier = _linear(*model.dense(f"{model.teacher}/classifier"))

    def forward(self, token_ids: Tensor, segment_ids: Tensor, mask: Tensor | None) -> Tensor:
        words, segments, positions = self.tables
        places = torch.arange(token_ids.shape[1])
        x = self.norm(words(token_ids) + segments(segment_ids) + positions(places))
        for block in self.blocks:
            x = block(x, mask)
        narrow = self.narrow(x).tanh()
        first = self.attention(narrow[:, :1], narrow, mask)[:, 0]  # (rows, branch)
        return self.classifier(self.pooler(first).tanh()).float().softmax(-1)


def load(source: Path, precision: str, threads: int) -> Engine:
    """Builds the modules; rows without padding go without a mask, which lets the fastest attention run."""
    torch.set_num_threads(threads)
    classifier = Classifier(PortableModel.load(source)).eval()
    if precision == "bfloat16":
        classifier = classifier.to(torch.bfloat16)
    if precision == "int8":
        classifier = torch.ao.quantization.quantize_dynamic(classifier, {nn.Linear}, torch.qint8)
    floats = torch.bfloat16 if precision == "bfloat16" else torch.float32

    def call(tokens: Tokens) -> Answers:
        token_ids, segment_ids, real = (torch.from_numpy(tokens[name]) for name in FEATURES)
        mask = None if real.all() else torch.zeros(real.shape, dtype=floats).masked_fill(real == 0, -1e9)[:, None, None]
        with torch.inference_mode():
            return {"probabilities": classifier(token_ids, segment_ids, mask).numpy()}

    return call


def _linear(kernel: object, bias: object) -> nn.Linear:
    weight = torch.tensor(kernel).T.contiguous()  # (outputs, inputs)
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    layer.weight, layer.bias = nn.Parameter(weight), nn.Parameter(torch.tensor(bias))
    return layer


def _norm(model: PortableModel, name: str) -> nn.LayerNorm:
    scale, offset = model.norm(name)
    layer = nn.LayerNorm(len(scale), eps=model.shape.layer_norm_epsilon)
    layer.weight, layer.bias = nn.Parameter(torch.tensor(scale)), nn.Parameter(torch.tensor(offset))
    return layer
