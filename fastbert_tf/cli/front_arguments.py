"""Arguments of the commands that listen for clients."""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

from fastbert_tf.cli.options import boolean, given, refuse
from fastbert_tf.recipes.serve import FrontSettings

_DEFAULTS = FrontSettings()


def add_front_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds addresses, limits, secrets and logs."""
    ports = parser.add_argument_group("addresses")
    ports.add_argument(
        "--host", default=_DEFAULTS.host, help="address to listen on (default: %(default)s, this machine alone)"
    )
    ports.add_argument("--port", type=int, default=8500, help="gRPC port; 0 takes a free one (default: %(default)s)")
    ports.add_argument(
        "--rest_api_port", type=int, help="port of REST, metrics and page; 0 takes a free one (default: none is opened)"
    )
    ports.add_argument(
        "--rest_api_timeout_in_ms",
        type=int,
        metavar="MS",
        help=f"time that a REST request may take (default: {_DEFAULTS.rest_api_timeout_in_ms})",
    )

    limits = parser.add_argument_group("limits")
    limits.add_argument(
        "--grpc_max_threads",
        type=int,
        default=_DEFAULTS.grpc_max_threads,
        metavar="N",
        help="predictions in progress, waiting ones included; more are refused at once (default: %(default)s)",
    )
    for name, what in (
        ("max_message_bytes", "largest request or response"),
        ("max_rows", "rows of a request"),
        ("max_text_bytes", "bytes of one text"),
    ):
        limits.add_argument(
            f"--{name}", type=int, default=getattr(_DEFAULTS, name), metavar="N", help=f"{what} (default: %(default)s)"
        )
    limits.add_argument(
        "--grace_seconds",
        type=float,
        default=_DEFAULTS.grace_seconds,
        metavar="S",
        help="time for requests in progress to end after SIGTERM (default: %(default)s)",
    )

    control = parser.add_argument_group("load control")
    control.add_argument(
        "--target_p99_ms",
        type=float,
        metavar="MS",
        help="raise the default speed under load to keep 99 %% of the answers under this time, as far as the export's "
        "lowest_accuracy allows",
    )

    doors = parser.add_argument_group("secrets and logs")
    doors.add_argument("--ssl_config_file", metavar="FILE", help="TensorFlow Serving's SSLConfig, for the gRPC port")
    doors.add_argument("--token_file", metavar="FILE", help="holds the bearer token that clients must show")
    doors.add_argument("--monitoring_config_file", metavar="FILE", help="TensorFlow Serving's MonitoringConfig")
    doors.add_argument("--access_log", metavar="FILE", help="gets a JSON line a request; - for standard output")
    doors.add_argument("--access_log_text", type=boolean, nargs="?", const=True, default=False, help="with the texts")
    doors.add_argument(
        "--allow_reload_config",
        type=boolean,
        nargs="?",
        const=True,
        default=False,
        help="let clients have other models served (HandleReloadConfigRequest)",
    )


def front_settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """Returns the fields of `FrontSettings` that were given.

    Raises:
        ValueError: an option is about REST, but there is no `--rest_api_port`.
    """
    if arguments.rest_api_port is None:
        of_rest = ("rest_api_timeout_in_ms", "monitoring_config_file")
        refuse(arguments, of_rest, "has no effect without --rest_api_port; add that or drop this")
    return given(arguments, *(field.name for field in dataclasses.fields(FrontSettings)))
