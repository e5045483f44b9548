"""The package `fastbert` from the index: early exit in PyTorch, one text at a time, always padded to 128 tokens.

It gets the same weights, so it leaves as early at the same speed. Small differences stay: it appends no `[SEP]`, and
its layer normalisation divides by the unbiased deviation.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import fastbert.fastbert
import numpy as np
import torch
from torch import nn

from harness.peers.engine import Answers, Engine
from harness.peers.portable_model import PortableModel

KERNEL = "same_shape"
BRANCH_DIM, BRANCH_HEADS = 128, 2  # fixed in the package


def load_texts(source: Path, threads: int) -> Engine:
    """Builds the package's model at our shape and puts our weights in.

    Raises:
        ValueError: the branches have a shape that the package does not know.
    """
    torch.set_num_threads(threads)
    model = PortableModel.load(source)
    if (model.shape.branch_dim, model.shape.branch_heads) != (BRANCH_DIM, BRANCH_HEADS):
        raise ValueError(f"the package's branches are {BRANCH_DIM} wide with {BRANCH_HEADS} heads; got {model.shape}")
    classifier = _empty(model, source / "vocab.txt")
    _fill(classifier, model)
    classes = model.shape.num_classes

    def call(inputs: Any) -> Answers:
        named = inputs if isinstance(inputs, dict) else {"text": inputs, "speed": np.zeros(len(inputs))}
        pairs = zip(named["text"], named["speed"], strict=True)
        labels, exit_layers = zip(*(classifier(text, speed=float(speed)) for text, speed in pairs), strict=True)
        one_hot = np.eye(classes, dtype=np.float32)[np.array(labels, int)]  # it says no probabilities
        return {"probabilities": one_hot, "exit_layer": np.array(exit_layers, np.int32)}

    return call


def _empty(model: PortableModel, vocabulary: Path) -> nn.Module:
    shape = model.shape
    settings = {
        "emb_size": shape.hidden_dim,
        "hidden_size": shape.hidden_dim,
        "feedforward_size": shape.intermediate_dim,
        "heads_num": shape.num_heads,
        "layers_num": shape.num_layers,
        "dropout": 0.1,
        "embedding": "bert",
        "encoder": "bert",
        "pooling": "first",
        "vocab_path": str(vocabulary.resolve()),
    }
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(settings, file)
        file.flush()
        fastbert.fastbert.MODEL_CONFIG_FILE[KERNEL] = file.name
        labels = [str(label) for label in range(shape.num_classes)]
        return fastbert.fastbert.FastBERT(KERNEL, labels=labels, device="cpu", is_load=False).eval()


def _fill(classifier: nn.Module, model: PortableModel) -> None:
    embedding, arrays = classifier.kernel.embedding, model.arrays
    segments = np.roll(arrays["embeddings/segment"][[0, 1, 1]], 1, axis=0)  # real tokens are segment 1 there
    tables = {"word": arrays["embeddings/token"], "position": arrays["embeddings/position"], "segment": segments}
    for name, values in tables.items():
        table = getattr(embedding, f"{name}_embedding")
        table.weight.data[: len(values)] = torch.tensor(values[: len(table.weight)])
    _fill_norm(embedding.layer_norm, model, "embeddings/norm")
    for index, block in enumerate(classifier.kernel.encoder.transformer):
        name = f"block_{index}"
        _fill_attention(block.self_attn, model, name)
        _fill_dense(block.feed_forward.linear_1, model, f"{name}/inner")
        _fill_dense(block.feed_forward.linear_2, model, f"{name}/outer")
        _fill_norm(block.layer_norm_1, model, f"{name}/attention_norm")
        _fill_norm(block.layer_norm_2, model, f"{name}/output_norm")
    for index, branch in enumerate(classifier.classifiers):
        name = f"branch_{index}"
        _fill_attention(branch.self_atten, model, name)
        for layer, part in enumerate(("input_projection", "pooler", "classifier")):
            _fill_dense(getattr(branch, f"output_layer_{layer}"), model, f"{name}/{part}")


def _fill_attention(attention: nn.Module, model: PortableModel, name: str) -> None:
    for layer, part in zip(attention.linear_layers, ("query", "key", "value"), strict=True):
        _fill_dense(layer, model, f"{name}/{part}")
    _fill_dense(attention.final_linear, model, f"{name}/output")


def _fill_dense(layer: nn.Linear, model: PortableModel, name: str) -> None:
    kernel, bias = (torch.tensor(values) for values in model.dense(name))
    layer.weight.data, layer.bias.data = kernel.T.contiguous(), bias


def _fill_norm(layer: nn.Module, model: PortableModel, name: str) -> None:
    layer.gamma.data, layer.beta.data = (torch.tensor(values) for values in model.norm(name))
