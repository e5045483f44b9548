"""Replaces a whole directory in one step."""

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
def directory_swap(directory: Path) -> Iterator[Path]:
    """Yields an empty directory beside `directory` that takes its place when the block ends without an error.

    At every instant the name stands for the old directory or the new one, whole. An error removes the new one and
    leaves the old one as it was; a kill leaves a hidden `.NAME.*.partial` beside it, which may be deleted. Where the
    file system cannot exchange two names in one step, the old directory is called `.NAME.*.old` for an instant.

    Args:
        directory: the target; it may exist or not, its parents too.

    Raises:
        OSError: the parent cannot be written, or the disk is full.
    """
    target = Path(os.path.realpath(directory))
    target.parent.mkdir(parents=True, exist_ok=True)
    stem = f".{target.name}.{uuid.uuid4().hex[:8]}"
    partial, old = target.with_name(f"{stem}.partial"), target.with_name(f"{stem}.old")
    partial.mkdir()
    try:
        yield partial
        _flush(partial)
        _put_in_place(partial, target, old)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _put_in_place(partial: Path, target: Path, old: Path) -> None:
    if not target.exists():
        partial.rename(target)
    elif not exchange(partial, target):
        target.rename(old)
        try:
            partial.rename(target)
        except OSError:
            old.rename(target)
            raise
        old.rename(partial)  # to be removed


def exchange(first: Path, second: Path) -> bool:
    """Exchanges two names in one step (Linux `renameat2`); returns False where that is not possible."""
    if not sys.platform.startswith("linux"):
        return False
    renameat2 = getattr(ctypes.CDLL(None), "renameat2", None)
    if renameat2 is None:
        return False
    return renameat2(AT_FDCWD, os.fsencode(first), AT_FDCWD, os.fsencode(second), RENAME_EXCHANGE) == 0


def claim_space(path: Path, size: int) -> None:
    """Writes and removes a file of `size` bytes: HDF5 crashes the process when the disk fills under it.

    Raises:
        OSError: the disk has no room for it.
    """
    chunk = bytes(1 << 20)
    with path.open("wb") as file:
        for start in range(0, size, len(chunk)):
            file.write(chunk[: size - start])
    path.unlink()


def _flush(folder: Path) -> None:
    """Waits until files and directory are on the disk, so that a crash cannot leave the new name without its data."""
    for path in (*folder.iterdir(), folder):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
