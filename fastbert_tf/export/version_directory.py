"""A version directory that appears whole, in one step, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import tensorflow as tf

from fastbert_tf.files import directory_swap


class ExportError(ValueError):
    """A version cannot be written; nothing half written is left behind."""


@contextmanager
def version_directory(base: Path, version: int, overwrite: bool) -> Iterator[Path]:
    """Gives an empty directory to fill; on a clean exit it becomes `base/version`.

    Servers that watch `base` skip names that are no numbers, so they never see the directory before it is complete.

    Args:
        base: the model's directory; made where it is missing.
        version: the version number.
        overwrite: whether an existing version is replaced.

    Yields:
        The directory to fill.

    Raises:
        ExportError: the version exists and `overwrite` is false, or the file system refuses.
    """
    check_version(base, version, overwrite)
    target = base / str(version)
    try:
        with directory_swap(target, replace=overwrite) as unfinished:
            yield unfinished
    except (OSError, tf.errors.OpError) as error:
        raise ExportError(
            f"cannot export to {target}: {_reason(error)}; give a writable directory with free space"
        ) from error


def check_version(base: Path, version: int, overwrite: bool) -> None:
    """Raises `ExportError` where the version is no version number, or exists and `overwrite` is false."""
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise ExportError(f"version must be an integer of at least 1, but is {version!r}; servers take the highest")
    if (base / str(version)).exists() and not overwrite:
        raise ExportError(f"version {version} exists in {base}; export another version, or pass overwrite")


def _reason(error: Exception) -> str:
    words = error.strerror if isinstance(error, OSError) else getattr(error, "message", "")
    return (words or str(error)).splitlines()[0].strip()
