"""Serving an export."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fastbert_serving import Server


def serve(export: str | os.PathLike[str], name: str = "fastbert", host: str = "127.0.0.1", port: int = 8500) -> None:
    """Serves the newest version of an export over gRPC until SIGTERM or Ctrl-C.

    Raises:
        ValueError: the export cannot be loaded, or the address is taken.
    """
    Server(export, name, host, port).run()


@contextmanager
def served_elsewhere(export: str | os.PathLike[str], log: str | os.PathLike[str]) -> Iterator[str]:
    """Serves an export in another process on a free port of this machine; yields its address.

    Args:
        export: the model's folder.
        log: file for what the process says besides.

    Raises:
        RuntimeError: the process ended before it was ready.
    """
    command = [sys.executable, "-m", "fastbert_tf.cli.main", "serve", "--export", os.fspath(export), "--port", "0"]
    with open(log, "w", encoding="utf-8") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
    try:
        ready = process.stdout.readline().split()  # type: ignore[union-attr]  # "... ready on HOST:PORT"
        if not ready:
            last = Path(log).read_text(encoding="utf-8").strip().splitlines()[-1:]
            raise RuntimeError(f"the server ended with code {process.wait()}: {' '.join(last)}; see {log}")
        yield ready[-1]
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()  # type: ignore[union-attr]
