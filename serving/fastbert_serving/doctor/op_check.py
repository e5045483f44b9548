"""Whether a server links every op of a graph."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from tensorflow.core.framework import node_def_pb2

from fastbert_serving.doctor.exported_model import ExportedModel
from fastbert_serving.doctor.finding import Finding, error, warning
from fastbert_serving.doctor.report import UNKNOWN
from fastbert_serving.doctor.target import TARGETS, Target

PYTHON_OPS = frozenset({"EagerPyFunc", "PyFunc", "PyFuncStateless"})
"""Registered everywhere, but they call back into the Python process that made the graph."""
XLA_ATTRIBUTE = "_XlaMustCompile"
ONEDNN_OPS = frozenset({"_MklLayerNorm", "_QuantizedMatMul"})
"""Of int8 exports: registered everywhere, run by builds with oneDNN alone, and right only on processors with VNNI."""


def ops_by_library(export: ExportedModel, target: Target) -> dict[str, list[str]]:
    """Returns the ops of the graph by the title of the library that brings them."""
    found: dict[str, list[str]] = {library.title: [] for library in target.libraries}
    for op in sorted({node.op for _, node in _calls(export)}):
        library = target.library_of(op)
        found.setdefault(library.title if library else UNKNOWN, []).append(op)
    return found


def check_ops(export: ExportedModel, target: Target) -> Iterator[Finding]:
    """Finds ops and attributes that the server does not know, and ops that cannot run outside Python."""
    nodes_by_op = defaultdict(list)
    for place, node in _calls(export):
        nodes_by_op[node.op].append((place, node))
    for op, nodes in sorted(nodes_by_op.items()):
        library, place = target.library_of(op), nodes[0][0]
        if op in PYTHON_OPS:
            yield error(
                f"op {op} ({place}) calls Python, which no server holds", "express that function in TensorFlow ops"
            )
        elif library is None:
            yield error(f"op {op} ({place}) is not linked into {target.name}", _mend(op))
        else:
            if op in ONEDNN_OPS:
                yield warning(
                    f"op {op} ({place}) needs a TensorFlow with oneDNN and a processor with VNNI",
                    "replay the golden texts on that server before you trust it, or export with --precision float32",
                )
            yield from _check_attributes(op, nodes, library.attributes[op], target)


def check_graph_version(export: ExportedModel, target: Target) -> Iterator[Finding]:
    """Finds graphs that are too new for the server."""
    versions, known = export.meta_graph.graph_def.versions, target.graph_version
    if versions.min_consumer > known:
        yield error(
            f"the graph needs graph version {versions.min_consumer}, but {target.name} knows {known}",
            "export with the server's TensorFlow, or serve with a newer one",
        )
    elif versions.producer > known:
        made_by = export.meta_graph.meta_info_def.tensorflow_version or f"graph version {versions.producer}"
        yield warning(
            f"the graph was made by TensorFlow {made_by}, newer than {target.name}, "
            "and TensorFlow promises to load older graphs only",
            "replay the golden texts on that server before you trust it, or serve with the newer one",
        )


def check_xla(export: ExportedModel, target: Target) -> Iterator[Finding]:
    """Finds what needs XLA: `tensorflow_model_server` switches compilation off unless a flag asks for it."""
    mend = "export without jit_compile=True; --xla_cpu_compilation_enabled is experimental"
    for place, node in export.nodes():
        if node.op.startswith("Xla") or _must_compile(node.attr):
            yield error(f"{place} ({node.op}) must be compiled by XLA, which {target.name} refuses by default", mend)
    for function in export.meta_graph.graph_def.library.function:
        if _must_compile(function.attr):
            name = function.signature.name
            yield error(f"function {name!r} must be compiled by XLA, which {target.name} refuses by default", mend)


def _calls(export: ExportedModel) -> Iterator[tuple[str, node_def_pb2.NodeDef]]:
    """Leaves out nodes whose op is a function of the graph itself, and XLA's ops, which `check_xla` finds."""
    own = {function.signature.name for function in export.meta_graph.graph_def.library.function}
    for place, node in export.nodes():
        if node.op not in own and not node.op.startswith("Xla"):
            yield place, node


def _must_compile(attributes: Mapping[str, Any]) -> bool:
    return XLA_ATTRIBUTE in attributes and attributes[XLA_ATTRIBUTE].b


def _check_attributes(
    op: str, nodes: list[tuple[str, node_def_pb2.NodeDef]], known: frozenset[str], target: Target
) -> Iterator[Finding]:
    """A server refuses a node with an attribute that its op lacks; those with an underscore are free."""
    for place, node in nodes:
        unknown = sorted(name for name in node.attr if not name.startswith("_") and name not in known)
        if unknown:
            yield error(
                f"op {op} ({place}) has the attribute {unknown[0]}, which {target.name} does not know",
                "export with the server's TensorFlow, or serve with a newer one",
            )
            return


def _mend(op: str) -> str:
    linking = [name for name in TARGETS if Target.of(name).library_of(op)]
    if linking:
        return f"serve with {linking[0]}, which links it, or export without it"
    return "it is neither TensorFlow's nor TensorFlow Text's: build a server that links it, or export without it"
