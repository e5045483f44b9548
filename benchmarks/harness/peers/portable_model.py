"""A trained classifier as plain arrays, for engines that know nothing of Keras."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]

WEIGHTS_FILE = "weights.npz"
SHAPE_FILE = "shape.json"


@dataclass(frozen=True)
class Shape:
    """What the arrays do not tell."""

    num_layers: int
    """Encoder blocks."""
    num_heads: int
    """Attention heads of a block."""
    hidden_dim: int
    """Width of the hidden states, in units."""
    intermediate_dim: int
    """Width of the feed-forward layer, in units."""
    branch_dim: int
    """Width of a branch classifier, in units."""
    branch_heads: int
    """Attention heads of a branch classifier."""
    num_classes: int
    """Classes of a branch classifier."""
    vocabulary_size: int
    """Rows of the token embedding."""
    layer_norm_epsilon: float
    """Added to the variance."""
    activation: str
    """`gelu` (exact) or `gelu_tanh`."""


@dataclass(frozen=True, eq=False)
class PortableModel:
    """Encoder and branches; names of weights begin with `embeddings/`, `block_<i>/` or `branch_<i>/`."""

    shape: Shape
    """Sizes."""
    arrays: Arrays
    """float32 weights by name; kernels are (inputs, outputs)."""

    def save(self, directory: Path) -> None:
        """Writes weights and shape."""
        directory.mkdir(parents=True, exist_ok=True)
        np.savez(directory / WEIGHTS_FILE, **self.arrays)  # type: ignore[arg-type]  # its stub takes the arrays for `allow_pickle`
        (directory / SHAPE_FILE).write_text(json.dumps(asdict(self.shape), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> PortableModel:
        """Reads what `save` wrote."""
        with np.load(directory / WEIGHTS_FILE) as stored:
            arrays = {name: stored[name] for name in stored.files}
        return cls(Shape(**json.loads((directory / SHAPE_FILE).read_text(encoding="utf-8"))), arrays)

    @property
    def teacher(self) -> str:
        """Prefix of the last branch."""
        return f"branch_{self.shape.num_layers - 1}"

    def fused(self, prefix: str, *names: str) -> tuple[np.ndarray, np.ndarray]:
        """Returns kernel (inputs, outputs) and bias (outputs,) of several dense layers side by side."""
        kernels, biases = zip(*(self.dense(f"{prefix}/{name}") for name in names), strict=True)
        return np.concatenate(kernels, axis=1), np.concatenate(biases)

    def dense(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Returns kernel (inputs, outputs) and bias (outputs,) of a dense layer."""
        return self.arrays[f"{name}/kernel"], self.arrays[f"{name}/bias"]

    def norm(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Returns scale and offset, each (hidden_dim,), of a layer normalisation."""
        return self.arrays[f"{name}/gamma"], self.arrays[f"{name}/beta"]


def portable(model: Any) -> PortableModel:
    """Copies encoder and teacher out of a `fastbert_tf.models.FastBert`."""
    backbone, embeddings = model.backbone, model.backbone.embeddings
    arrays: Arrays = {
        "embeddings/token": embeddings.token_embedding.embeddings.numpy(),  # (vocabulary, hidden)
        "embeddings/position": embeddings.position_embedding.embeddings.numpy(),  # (positions, hidden)
        "embeddings/segment": embeddings.segment_embedding.embeddings.numpy(),  # (segments, hidden)
    }
    parts = {"embeddings/norm": embeddings.layer_norm}
    for index, block in enumerate(backbone.blocks):
        name = f"block_{index}"
        parts |= _attention(name, block.attention)
        parts |= {f"{name}/inner": block.intermediate, f"{name}/outer": block.output_projection}
        parts |= {f"{name}/attention_norm": block.attention_norm, f"{name}/output_norm": block.output_norm}
    for index, branch in enumerate(model.branches):
        name = f"branch_{index}"
        parts |= _attention(name, branch.attention)
        parts |= {f"{name}/{part}": getattr(branch, part) for part in ("input_projection", "pooler", "classifier")}
    for name, layer in parts.items():
        arrays |= {f"{name}/{weight.name}": weight.numpy() for weight in layer.weights}
    sizes = {**backbone.config.to_dict(), **model.config.to_dict()}
    return PortableModel(Shape(**{field: sizes[field] for field in Shape.__dataclass_fields__}), arrays)


def _attention(prefix: str, attention: Any) -> dict[str, Any]:
    names = ("query", "key", "value", "output_projection")
    return {f"{prefix}/{name.removesuffix('_projection')}": getattr(attention, name) for name in names}
