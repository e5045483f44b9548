"""The pretrained student that ships with the package."""

from __future__ import annotations

import os
from pathlib import Path

from fastbert_tf.checkpoints.errors import CheckpointError

BUILTIN = "builtin"
"""Names the shipped student wherever the path of a checkpoint is asked for; a folder of that name is `./builtin`."""

BUILTIN_FOLDER = Path(__file__).resolve().parent.parent / "builtin"
"""Where it lies; `MODEL_CARD.md` there says what it was made from, and what it can and cannot do."""


def checkpoint_folder(path: str | os.PathLike[str]) -> Path:
    """Returns the folder of a checkpoint: the shipped student's for `builtin`, else the path itself.

    Raises:
        CheckpointError: `builtin` is asked for, but this installation lacks it.
    """
    if os.fspath(path) != BUILTIN:
        return Path(path)
    if not BUILTIN_FOLDER.is_dir():
        raise CheckpointError(
            f"this installation of fastbert_tf has no built-in student ({BUILTIN_FOLDER} is absent); install it again, "
            "or pass the directory of a checkpoint"
        )
    return BUILTIN_FOLDER
