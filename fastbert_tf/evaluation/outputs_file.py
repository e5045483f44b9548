"""Branch outputs on disk, beside the report that was made of them."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np

from fastbert_tf.evaluation.branch_outputs import BranchOutputs
from fastbert_tf.files import file_swap

OUTPUTS_FILE = "branch_outputs.npz"
_FIELDS = ("probabilities", "labels", "lengths")


def write_outputs(outputs: BranchOutputs, directory: str | os.PathLike[str], model: str) -> None:
    """Writes `branch_outputs.npz`.

    Args:
        outputs: all branches' answers.
        directory: an existing directory.
        model: tells the graph that answered from others, as the report does.

    Raises:
        ValueError: the directory cannot be written.
    """
    path = Path(directory) / OUTPUTS_FILE
    arrays = {name: getattr(outputs, name) for name in _FIELDS if getattr(outputs, name) is not None}
    try:
        with file_swap(path) as unfinished, unfinished.open("wb") as file:
            np.savez_compressed(file, model=np.array(model), **arrays)
    except OSError as error:
        raise ValueError(
            f"{path} cannot be written ({error.strerror or error}); make room there or choose another directory"
        ) from error


def read_outputs(directory: str | os.PathLike[str], model: str) -> BranchOutputs | None:
    """Reads what `write_outputs` wrote.

    Args:
        directory: the evaluation's directory.
        model: the graph that must have made them.

    Returns:
        The outputs; None where there are none, as in older evaluations, or those of another graph.

    Raises:
        ValueError: the file is damaged.
    """
    path = Path(directory) / OUTPUTS_FILE
    try:
        with np.load(path, allow_pickle=False) as file:
            if str(file["model"]) != model:
                return None
            return BranchOutputs(**{name: file.get(name) for name in _FIELDS})  # unlabelled rows have no labels
    except FileNotFoundError:
        return None
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is damaged ({error}); evaluate again") from error
