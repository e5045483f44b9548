"""Whether an export will run on a given server."""

from __future__ import annotations

import os
from pathlib import Path

import grpc

from fastbert_serving.doctor import TARGETS, examine

__all__ = ["TARGETS", "doctor"]


def doctor(
    export: str | os.PathLike[str],
    target: str,
    address: str | None = None,
    model_name: str = "fastbert",
    root_certificates: str | os.PathLike[str] | None = None,
    token_file: str | os.PathLike[str] | None = None,
) -> int:
    """Examines an export and prints the report.

    Args:
        export: the model's folder, of which the highest version is examined, or a version's folder.
        target: the server, such as `tfserving:2.20`.
        address: gRPC address of a server of this export, `host:port`, to replay golden texts on; None replays none.
        model_name: the model's name on that server.
        root_certificates: PEM file of the authorities that have signed its certificate; None connects without TLS.
        token_file: file with the bearer token that it asks for; None shows none.

    Returns:
        The command's exit code: 0 where the export passed, 1 where it failed.

    Raises:
        ValueError: no such target, or `address` is not `host:port`.
        OSError: a file cannot be read.
    """
    report = examine(
        export,
        target,
        address,
        model_name,
        None if root_certificates is None else grpc.ssl_channel_credentials(Path(root_certificates).read_bytes()),
        None if token_file is None else Path(token_file).read_text(encoding="ascii").strip(),
    )
    print(report.text())
    return 0 if report.passed else 1
