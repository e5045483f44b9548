"""A tiny Hugging Face checkpoint and small tables, for tests of whole jobs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from fastbert_tf.data import make_sample_task

LAYERS, HIDDEN, HEADS, INNER = 3, 16, 2, 32


def write_checkpoint(folder: Path, layers: int = LAYERS) -> Path:
    """Writes a random encoder with the sample task's vocabulary, as Hugging Face lays it out."""
    folder.mkdir(parents=True)
    vocabulary = make_sample_task(20, 20, 20).vocabulary
    vocabulary.save(folder / "vocab.txt")
    config = {
        "model_type": "bert",
        "vocab_size": len(vocabulary),
        "num_hidden_layers": layers,
        "num_attention_heads": HEADS,
        "hidden_size": HIDDEN,
        "intermediate_size": INNER,
        "max_position_embeddings": 64,
        "type_vocab_size": 2,
        "hidden_act": "gelu",
    }
    (folder / "config.json").write_text(json.dumps(config))
    save_file(_tensors(len(vocabulary), layers), folder / "model.safetensors")
    return folder


def write_tables(folder: Path, rows: int = 80) -> None:
    """Writes `train.tsv` and `dev.tsv` with the columns `sentence` and `label`."""
    task = make_sample_task(rows, 40, 20)
    for name in ("train", "dev"):
        part = task.parts[name]
        lines = [f"{text}\t{task.label_names[label]}" for text, label in zip(part.texts, part.labels, strict=True)]
        (folder / f"{name}.tsv").write_text("\n".join(["sentence\tlabel", *lines]) + "\n")


def _tensors(vocabulary_size: int, layers: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (vocabulary_size, HIDDEN),
        "embeddings.position_embeddings.weight": (64, HIDDEN),
        "embeddings.token_type_embeddings.weight": (2, HIDDEN),
        **_norm("embeddings.LayerNorm"),
    }
    for layer in (f"encoder.layer.{i}" for i in range(layers)):
        for name in ("query", "key", "value"):
            shapes |= _dense(f"{layer}.attention.self.{name}", HIDDEN, HIDDEN)
        shapes |= _dense(f"{layer}.attention.output.dense", HIDDEN, HIDDEN)
        shapes |= _dense(f"{layer}.intermediate.dense", INNER, HIDDEN)
        shapes |= _dense(f"{layer}.output.dense", HIDDEN, INNER)
        shapes |= _norm(f"{layer}.attention.output.LayerNorm") | _norm(f"{layer}.output.LayerNorm")
    tensors = {name: random.normal(0, 0.2, shape).astype(np.float32) for name, shape in shapes.items()}
    ones = {name: np.ones(HIDDEN, np.float32) for name in tensors if name.endswith("LayerNorm.weight")}
    return tensors | ones


def _dense(name: str, outputs: int, inputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _norm(name: str) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (HIDDEN,), f"{name}.bias": (HIDDEN,)}
