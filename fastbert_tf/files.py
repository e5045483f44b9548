"""Atomic replacement of files and directories: at every instant a name stands for the old content or the new, whole."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

AT_FDCWD = -100
RENAME_EXCHANGE = 2


@contextlib.contextmanager
def file_swap(path: Path) -> Iterator[Path]:
    """Yields the path of a file to write; it takes the place of `path` when the block ends without an error.

    An error leaves `path` as it was; a kill leaves a hidden `.NAME.*.partial` beside it, which may be deleted.

    Args:
        path: the target; it may exist or not, its parent does.

    Raises:
        OSError: the parent cannot be written, or the disk is full.
    """
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        yield partial
        _sync(partial)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


@contextlib.contextmanager
def directory_swap(directory: Path, replace: bool = True) -> Iterator[Path]:
    """Yields an empty directory beside `directory` that takes its place when the block ends without an error.

    An error removes the new one and leaves the old one as it was; a kill leaves a hidden `.NAME.*.partial` beside it,
    which may be deleted. Where the file system cannot exchange two names in one step, the old directory is called
    `.NAME.*.old` for an instant; it keeps that name if it cannot be renamed back.

    Args:
        directory: the target; it may exist or not, its parents too.
        replace: whether files that are there when the block ends may be replaced.

    Raises:
        OSError: the parent cannot be written, the disk is full, or the target holds files that may not be replaced.
    """
    target = Path(os.path.realpath(directory))
    stem = f".{target.name}.{uuid.uuid4().hex[:8]}"
    partial, old = target.with_name(f"{stem}.partial"), target.with_name(f"{stem}.old")
    # Not tempfile.mkdtemp: its directories are closed to other users, such as the one that a server runs as.
    partial.mkdir(parents=True)
    try:
        yield partial
        for path in (*partial.rglob("*"), partial):
            _sync(path)
        if replace and target.exists():
            _replace(partial, target, old)
        else:
            partial.rename(target)  # fails where the target holds files
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def exchange(first: Path, second: Path) -> bool:
    """Exchanges two names in one step (Linux `renameat2`); returns False where that is not possible."""
    if not sys.platform.startswith("linux"):
        return False
    renameat2 = getattr(ctypes.CDLL(None), "renameat2", None)
    if renameat2 is None:
        return False
    return renameat2(AT_FDCWD, os.fsencode(first), AT_FDCWD, os.fsencode(second), RENAME_EXCHANGE) == 0


def _replace(partial: Path, target: Path, old: Path) -> None:
    """Leaves the old directory under the name `partial`, to be removed."""
    if exchange(partial, target):
        return
    target.rename(old)
    try:
        partial.rename(target)
    except OSError:
        old.rename(target)
        raise
    old.rename(partial)


def _sync(path: Path) -> None:
    """Waits until a file or directory is on the disk, so that a crash cannot leave a new name without its data."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
