"""Checkpoints of fewer layers."""

from __future__ import annotations

import json
from pathlib import Path

from fastbert_tf.files import directory_swap


def cut_checkpoint(checkpoint: Path, depth: int, folder: Path) -> Path:
    """Makes a checkpoint that is the first layers of another one: its files, with another configuration.

    Args:
        checkpoint: a Hugging Face directory.
        depth: layers to keep, at least 1.
        folder: where; nothing happens if it exists.

    Raises:
        ValueError: the checkpoint has fewer layers.
    """
    if folder.exists():
        return folder
    config = json.loads((checkpoint / "config.json").read_text(encoding="utf-8"))
    if not 1 <= depth <= config["num_hidden_layers"]:
        raise ValueError(f"{checkpoint} has {config['num_hidden_layers']} layers, of which {depth} cannot be kept")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with directory_swap(folder) as unfinished:
        (unfinished / "config.json").write_text(json.dumps({**config, "num_hidden_layers": depth}), encoding="utf-8")
        for file in checkpoint.iterdir():
            if file.name != "config.json" and file.is_file():
                (unfinished / file.name).symlink_to(file.resolve())
    return folder


def spread_layers(of: int, depth: int) -> list[int]:
    """Returns the layers, counted from 0, that a student takes from its teacher: evenly, the first one included."""
    return [number * of // depth for number in range(depth)]
