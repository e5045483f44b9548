"""Whether the files beside the graph are there, whole and readable."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import tensorflow as tf

from fastbert_serving.doctor.exported_model import ExportedModel
from fastbert_serving.doctor.finding import Finding, error, warning
from fastbert_serving.doctor.target import Target

_READABLE_BY_OTHERS = 0o004
_OPENABLE_BY_OTHERS = 0o005


def check_version_name(export: ExportedModel, target: Target) -> Iterator[Finding]:
    """Finds a directory name that servers skip."""
    if export.version is None:
        yield error(
            f"servers load directories named by a version number, but this one is {export.directory.resolve().name!r}",
            "rename it to a number, such as 1",
        )


def check_assets(export: ExportedModel, target: Target) -> Iterator[Finding]:
    """Finds asset files that the graph names and the directory lacks."""
    for asset in export.meta_graph.asset_file_def:
        name = PurePosixPath(asset.filename)
        if name.is_absolute() or ".." in name.parts:
            yield error(f"asset {asset.filename!r} lies outside the directory assets/", "export the model again")
        elif not (path := export.directory / "assets" / name).is_file():
            yield error(f"asset file {path} is missing", "copy the whole version directory again")
        elif not path.stat().st_size:
            yield error(f"asset file {path} is empty", "copy the whole version directory again")


def check_variables(export: ExportedModel, target: Target) -> Iterator[Finding]:
    """Reads every variable, checksums included: a cut-off copy shows here and not at the first request."""
    prefix = export.directory / "variables" / "variables"
    if not any(node.op == "VarHandleOp" for _, node in export.nodes()):
        return
    try:
        reader = tf.train.load_checkpoint(str(prefix))
        for name in reader.get_variable_to_shape_map():
            reader.get_tensor(name)
    except (LookupError, ValueError, RuntimeError, tf.errors.OpError) as problem:
        words = str(problem).splitlines()[0]
        yield error(f"the weights {prefix} cannot be read: {words}", "copy the whole version directory again")


def check_permissions(export: ExportedModel, target: Target) -> Iterator[Finding]:
    """Finds what a server that runs as another user cannot read."""
    closed = [path for path in (export.directory, *sorted(export.directory.rglob("*"))) if not _is_open(path)]
    if closed:
        yield warning(
            f"{closed[0]} cannot be read by other users ({len(closed)} such in all)",
            f"chmod -R a+rX {export.directory}, where the server runs as another user",
        )


def _is_open(path: Path) -> bool:
    wanted = _OPENABLE_BY_OTHERS if path.is_dir() else _READABLE_BY_OTHERS
    found = path.stat() if path.exists() else path.lstat()  # a link to nothing
    return found.st_mode & wanted == wanted
