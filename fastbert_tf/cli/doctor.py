"""`fastbert doctor`."""

from __future__ import annotations

import argparse
import sys

from fastbert_tf.cli.options import given, refuse
from fastbert_tf.recipes.doctor import TARGETS, doctor

_OF_SERVER = ("model_name", "root_certificates", "token_file")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument("export", metavar="EXPORT", help="what `fastbert export` wrote, or one version of it")
    parser.add_argument(
        "--target", default=TARGETS[0], choices=TARGETS, help="the server that shall run it (default: %(default)s)"
    )
    parser.add_argument("--address", metavar="HOST:PORT", help="a running server of this export, to replay texts on")
    parser.add_argument("--model_name", help="the model's name there (default: fastbert)")
    parser.add_argument(
        "--root_certificates",
        metavar="FILE",
        help="PEM file of the authorities that have signed its certificate; turns TLS on",
    )
    parser.add_argument("--token_file", metavar="FILE", help="holds the bearer token that it asks for")


def run(arguments: argparse.Namespace) -> None:
    """Prints what was found; the exit code is 1 where the export would not run."""
    if arguments.address is None:
        refuse(arguments, _OF_SERVER, "has no effect without --address; add that or drop this")
    code = doctor(arguments.export, arguments.target, arguments.address, **given(arguments, *_OF_SERVER))
    if code:
        sys.exit(code)
