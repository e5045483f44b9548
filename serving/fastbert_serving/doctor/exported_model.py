"""The exported model under examination, read without loading it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from google.protobuf.message import DecodeError
from tensorflow.core.framework import node_def_pb2
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from fastbert_serving.errors import ModelError
from fastbert_serving.models.version_files import find_versions
from fastbert_serving.signature import Signature

SERVING_TAG = "serve"


@dataclass(frozen=True)
class ExportedModel:
    """A version directory and its graph."""

    directory: Path
    """The directory that holds `saved_model.pb`."""
    meta_graph: meta_graph_pb2.MetaGraphDef
    """The graph with the tag `serve`."""

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> ExportedModel:
        """Reads an export.

        Args:
            path: a version directory, or a model directory, of which the highest version is taken.

        Raises:
            ModelError: there is no readable SavedModel.
        """
        directory = _version_directory(Path(path))
        file = directory / "saved_model.pb"
        try:
            saved_model = saved_model_pb2.SavedModel.FromString(file.read_bytes())
        except OSError as error:
            raise ModelError(f"{file} cannot be read ({error.strerror}); give what `fastbert export` wrote") from error
        except DecodeError as error:
            raise ModelError(f"{file} is no SavedModel ({error}); export the model again") from error
        for meta_graph in saved_model.meta_graphs:
            if SERVING_TAG in meta_graph.meta_info_def.tags:
                return cls(directory, meta_graph)
        raise ModelError(
            f"{file} has no graph with the tag {SERVING_TAG!r}, which servers load; export the model again"
        )

    @property
    def version(self) -> int | None:
        """The number that the directory is named by; None where servers skip it."""
        name = self.directory.resolve().name
        return int(name) if name.isascii() and name.isdecimal() and int(name) > 0 else None

    @cached_property
    def signatures(self) -> dict[str, Signature]:
        """The signatures by name, without those of the loader."""
        definitions = self.meta_graph.signature_def
        return {name: Signature.from_proto(name, definitions[name]) for name in definitions if name[:2] != "__"}

    def nodes(self) -> Iterator[tuple[str, node_def_pb2.NodeDef]]:
        """Yields (place, node) for all nodes of the graph and of its functions; the place is for people."""
        graph = self.meta_graph.graph_def
        for node in graph.node:
            yield f"node {node.name!r}", node
        for function in graph.library.function:
            for node in function.node_def:
                yield f"node {node.name!r} of function {function.signature.name!r}", node


def _version_directory(path: Path) -> Path:
    if (path / "saved_model.pb").exists() or not path.is_dir():
        return path
    versions = find_versions(path)
    return versions[max(versions)] if versions else path
