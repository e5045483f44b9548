"""`fastbert serve`."""

from __future__ import annotations

import argparse

from fastbert_tf.recipes.serve import serve


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument("--export", required=True, metavar="DIR", help="what `fastbert export` wrote")
    parser.add_argument("--model_name", default="fastbert", help="the name that requests carry (default: fastbert)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine alone)")
    parser.add_argument("--port", type=int, default=8500, help="gRPC port; 0 takes a free one (default: 8500)")


def run(arguments: argparse.Namespace) -> None:
    """Serves until SIGTERM or Ctrl-C."""
    serve(arguments.export, arguments.model_name, arguments.host, arguments.port)
