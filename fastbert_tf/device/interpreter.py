"""The LiteRT interpreter, wherever it is installed."""

from __future__ import annotations

import importlib
import os
from importlib import metadata
from types import ModuleType
from typing import Any

_MODULES = ("ai_edge_litert.interpreter", "tflite_runtime.interpreter", "tensorflow.lite.python.interpreter")
"""LiteRT's own package, its predecessor for small devices, and the copy inside TensorFlow."""


class InterpreterMissing(ImportError):
    """No LiteRT interpreter is installed, or none for this platform."""


def open_interpreter(path: str | os.PathLike[str], num_threads: int = 1) -> Any:
    """Opens a model file.

    Args:
        path: the `.tflite` file.
        num_threads: threads of one operation, at least 1.

    Returns:
        The interpreter.

    Raises:
        InterpreterMissing: there is none.
        FileNotFoundError: there is no such file.
        ValueError: the file holds no model, or `num_threads` is below 1.
    """
    if isinstance(num_threads, bool) or not isinstance(num_threads, int) or num_threads < 1:
        raise ValueError(f"num_threads must be an integer of at least 1, but is {num_threads!r}")
    if not os.path.isfile(path):
        raise FileNotFoundError(2, "no such model; give a folder that `fastbert export_litert` wrote", os.fspath(path))
    module = _module()
    try:
        return module.Interpreter(model_path=os.fspath(path), num_threads=num_threads)
    except ValueError as error:
        raise ValueError(f"{os.fspath(path)} is no LiteRT model that can be read ({error}); export it again") from error


def interpreter_name() -> str:
    """Returns package and version of the interpreter that is used; raises `InterpreterMissing` where there is none."""
    package = _module().__name__.partition(".")[0].replace("_", "-")
    return f"{package} {metadata.version(package)}"


def _module() -> ModuleType:
    for name in _MODULES:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise InterpreterMissing(
        "no LiteRT interpreter is installed; run `pip install ai-edge-litert`, or, where there is none for this "
        "platform, use the interpreter of LiteRT's C++, Kotlin or Swift library: the model file is the same"
    )
