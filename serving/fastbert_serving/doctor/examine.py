"""The examination as a whole."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc

from fastbert_serving.client import Client
from fastbert_serving.doctor.batching_check import check_batching
from fastbert_serving.doctor.exported_model import ExportedModel
from fastbert_serving.doctor.file_check import check_assets, check_permissions, check_variables, check_version_name
from fastbert_serving.doctor.finding import Finding, Severity, error, warning
from fastbert_serving.doctor.golden import GoldenRow, read_golden_rows
from fastbert_serving.doctor.manifest_check import check_manifest
from fastbert_serving.doctor.op_check import check_graph_version, check_ops, check_xla, ops_by_library
from fastbert_serving.doctor.replay import replay
from fastbert_serving.doctor.report import Report
from fastbert_serving.doctor.signature_check import check_batch_axes, check_signatures
from fastbert_serving.doctor.target import TARGETS, Target
from fastbert_serving.doctor.warmup_check import check_warmup
from fastbert_serving.errors import ModelError
from fastbert_serving.manifest import Manifest, ManifestError

CHECKS: tuple[Callable[[ExportedModel, Target], Iterator[Finding]], ...] = (
    check_ops,
    check_xla,
    check_graph_version,
    check_signatures,
    check_batch_axes,
    check_version_name,
    check_assets,
    check_variables,
    check_permissions,
    check_manifest,
    check_batching,
    check_warmup,
)


def examine(
    export: str | os.PathLike[str],
    target: str = TARGETS[0],
    address: str | None = None,
    model: str = "fastbert",
    credentials: grpc.ChannelCredentials | None = None,
    token: str | None = None,
) -> Report:
    """Examines an export for a stock server, without loading it, and compares golden texts with a running one.

    Args:
        export: a version directory, or a model directory, of which the highest version is examined.
        target: the server, one of `TARGETS`, such as `tfserving:2.20`.
        address: gRPC address of a server that serves the export, `host:port`; None replays nothing.
        model: the model's name on that server.
        credentials: TLS towards it; None for none.
        token: bearer token that it asks for; None for none.

    Returns:
        What was found, errors first; nothing is raised for a broken export.

    Raises:
        ValueError: no such target, or `address` is not `host:port`.
    """
    server = Target.of(target)
    try:
        exported = ExportedModel.read(export)
    except ModelError as problem:
        return Report(Path(export), target, [error(str(problem), "give the directory of an export")])
    findings = [finding for check in CHECKS for finding in check(exported, server)]
    rows = _golden_rows(exported, findings, is_error=address is not None)
    replayed = None if address is None else 0
    if address is not None and rows and exported.version is not None:
        with Client(address, model, timeout=120, credentials=credentials, token=token) as client:
            problems = list(replay(rows, exported.version, client))
        findings += problems
        replayed = 0 if problems else len(rows)
    manifest = _manifest(exported)
    return Report(
        export=exported.directory,
        target=target,
        findings=sorted(findings, key=lambda finding: finding.severity is not Severity.ERROR),
        ops=ops_by_library(exported, server),
        replayed_rows=replayed,
        policy=None if manifest is None or manifest.policy is None else manifest.policy["name"],
        promise=None if manifest is None else manifest.promise,
    )


def _manifest(export: ExportedModel) -> Manifest | None:
    try:
        return Manifest.read(export.directory)
    except ManifestError:
        return None  # `check_manifest` says so


def _golden_rows(export: ExportedModel, findings: list[Finding], is_error: bool) -> list[GoldenRow]:
    try:
        return read_golden_rows(export.directory)
    except ModelError as problem:
        found = error if is_error else warning
        findings.append(found(str(problem), "without golden texts no server's answers can be compared"))
        return []
