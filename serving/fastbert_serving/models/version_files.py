"""Versions on disk, and which of them a version policy wants."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from tensorflow_serving.config.file_system_storage_path_source_pb2 import (
    FileSystemStoragePathSourceConfig as SourceConfig,
)

from fastbert_serving.errors import ModelError

MAX_VERSION = 2**63 - 1
"""A version number is an int64 on the wire; a larger name is no version."""


def find_versions(model_directory: Path) -> dict[int, Path]:
    """Finds a model's versions: its subdirectories whose names are numbers; others are passed over.

    Args:
        model_directory: the model's directory (`base_path`).

    Returns:
        Version directories by number.

    Raises:
        ModelError: the directory cannot be read.
    """
    try:
        with os.scandir(model_directory) as entries:  # knows what is a directory, also of one that is renamed meanwhile
            paths = [Path(entry.path) for entry in entries if _is_version(entry.name) and entry.is_dir()]
    except OSError as error:
        raise ModelError(
            f"model directory {model_directory} cannot be read ({error.strerror}); give one that an export wrote"
        ) from error
    return {int(path.name): path for path in sorted(paths)}  # of 01 and 1, the plain one stays


def require_versions(model_directory: Path, policy: SourceConfig.ServableVersionPolicy) -> dict[int, Path]:
    """Finds a model's versions, of which the policy wants at least one.

    Args:
        model_directory: the model's directory (`base_path`).
        policy: which versions to serve.

    Returns:
        Version directories by number.

    Raises:
        ModelError: the directory cannot be read, or holds no version that the policy wants.
    """
    found = find_versions(model_directory)
    if not found:
        hint = "give its parent" if (model_directory / "saved_model.pb").exists() else "export a model into it"
        raise ModelError(f"model directory {model_directory} holds no numbered version; {hint}")
    if not wanted_versions(policy, found):
        named, held = (", ".join(map(str, sorted(numbers))) for numbers in (set(policy.specific.versions), found))
        raise ModelError(
            f"model directory {model_directory} holds versions {held}, but none of model_version_policy.specific "
            f"({named}); name one that it holds"
        )
    return found


def wanted_versions(policy: SourceConfig.ServableVersionPolicy, found: Collection[int]) -> set[int]:
    """Applies a version policy; as in TensorFlow Serving, the default is the newest version alone.

    Args:
        policy: `latest` (`num_versions`, at least 1), `all` or `specific`.
        found: the versions on disk.
    """
    choice = policy.WhichOneof("policy_choice")
    if choice == "all":
        return set(found)
    if choice == "specific":
        return set(found) & set(policy.specific.versions)
    return set(sorted(found, reverse=True)[: max(policy.latest.num_versions, 1)])


def _is_version(name: str) -> bool:
    return name.isascii() and name.isdecimal() and int(name) <= MAX_VERSION
