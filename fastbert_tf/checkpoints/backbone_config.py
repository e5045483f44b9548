"""Reads `config.json` (Hugging Face) and `bert_config.json` (Google): the keys are the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastbert_tf.checkpoints.errors import CheckpointError
from fastbert_tf.config import BackboneConfig

# our field: (their key, value where the file has none; None: the key is required)
KEYS: Mapping[str, tuple[str, Any]] = {
    "vocabulary_size": ("vocab_size", None),
    "num_layers": ("num_hidden_layers", None),
    "num_heads": ("num_attention_heads", None),
    "hidden_dim": ("hidden_size", None),
    "intermediate_dim": ("intermediate_size", None),
    "max_sequence_length": ("max_position_embeddings", None),
    "num_segments": ("type_vocab_size", 2),
    "dropout": ("hidden_dropout_prob", 0.1),
    "activation": ("hidden_act", "gelu"),
    "layer_norm_epsilon": ("layer_norm_eps", 1e-12),
}

# key: the only value that our encoder computes (also meant where the key is absent)
FIXED: Mapping[str, Any] = {
    "model_type": "bert",
    "position_embedding_type": "absolute",
    "is_decoder": False,
    "add_cross_attention": False,
}

ACTIVATIONS: Mapping[str, str] = {"gelu": "gelu", "gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh"}


def read_json(path: Path) -> dict[str, Any]:
    """Reads a JSON object.

    Raises:
        CheckpointError: the file is absent, unreadable, cut short, or holds something else.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror}); pass the directory that holds it") from error
    except ValueError as error:
        raise CheckpointError(f"{path}: is no JSON ({error}); the file is damaged, copy it again") from error
    if not isinstance(values, dict):
        raise CheckpointError(f"{path}: must hold a JSON object, but holds a {type(values).__name__}; copy it again")
    return values


def read_backbone_config(path: Path, activations: Mapping[str, str] = ACTIVATIONS) -> BackboneConfig:
    """Reads the shape of an encoder.

    Args:
        path: `config.json` or `bert_config.json`.
        activations: our name for every activation name of the format.

    Raises:
        CheckpointError: the file describes no BERT encoder that `Backbone` computes.
    """
    values = read_json(path)
    for key, allowed in FIXED.items():
        received = values.get(key, allowed)
        if received != allowed:
            raise CheckpointError(
                f"{path}: {key} must be {allowed!r}, but is {received!r}; only BERT encoders can be imported"
            )
    missing = [key for key, default in KEYS.values() if default is None and key not in values]
    if missing:
        raise CheckpointError(f"{path}: lacks {', '.join(missing)}; use the configuration of a BERT encoder")
    fields = {ours: values.get(key, default) for ours, (key, default) in KEYS.items()}
    if fields["activation"] not in activations:
        raise CheckpointError(
            f"{path}: hidden_act must be one of {', '.join(activations)}, but is {fields['activation']!r}; "
            "encoders with another activation cannot be imported"
        )
    fields["activation"] = activations[fields["activation"]]
    try:
        return BackboneConfig(**fields)
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{path}: {error}") from error
