"""Pipes of child processes."""

from __future__ import annotations

from typing import IO, AnyStr


def opened(pipe: IO[AnyStr] | None) -> IO[AnyStr]:
    """Returns a pipe of a `Popen` that was asked for it.

    Raises:
        ValueError: it was not.
    """
    if pipe is None:
        raise ValueError("the process was started without this pipe; pass subprocess.PIPE")
    return pipe
