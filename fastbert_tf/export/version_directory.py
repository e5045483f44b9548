"""A version directory that appears whole, by one rename, or not at all."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import tensorflow as tf


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
    target = base / str(version)
    if target.exists() and not overwrite:
        raise ExportError(f"version {version} exists in {base}; export another version, or pass overwrite")
    unfinished, replaced = (base / f".{kind}-{version}-{uuid.uuid4().hex}" for kind in ("unfinished", "replaced"))
    try:
        # Not tempfile.mkdtemp: its directories are closed to other users, such as the one that a server runs as.
        unfinished.mkdir(parents=True)
        yield unfinished
        _replace(unfinished, target, replaced)
    except (OSError, tf.errors.OpError) as error:
        raise ExportError(
            f"cannot export to {target}: {_reason(error)}; give a writable directory with free space"
        ) from error
    finally:
        for folder in (unfinished, replaced):
            shutil.rmtree(folder, ignore_errors=True)


def _replace(unfinished: Path, target: Path, replaced: Path) -> None:
    """Renames `unfinished` to `target`; a version that was there moves aside, and back again on failure."""
    if not target.exists():
        unfinished.rename(target)  # fails on a non-empty directory, should another export have been faster
        return
    target.rename(replaced)
    try:
        unfinished.rename(target)
    except OSError:
        replaced.rename(target)
        raise


def write_atomically(path: Path, text: str) -> None:
    """Writes a file that appears whole or not at all."""
    unfinished = path.with_name(f".{path.name}-{uuid.uuid4().hex}")
    try:
        unfinished.write_text(text, encoding="utf-8")
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def _reason(error: Exception) -> str:
    words = error.strerror if isinstance(error, OSError) else getattr(error, "message", "")
    return (words or str(error)).splitlines()[0].strip()
