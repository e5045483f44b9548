"""The arguments that set TensorFlow's threads, with the names of the server's flags."""

from __future__ import annotations

import argparse
from typing import Any


def add_thread_arguments(parser: argparse._ActionsContainer) -> None:
    """Adds both arguments."""
    for name, what in (
        ("tensorflow_intra_op_parallelism", "threads of an op"),
        ("tensorflow_inter_op_parallelism", "ops at a time"),
    ):
        parser.add_argument(f"--{name}", type=int, metavar="N", help=f"{what} (default: 1; 0 is one a processor)")


def thread_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Returns them as a recipe takes them."""
    return {
        "intra_op_threads": arguments.tensorflow_intra_op_parallelism,
        "inter_op_threads": arguments.tensorflow_inter_op_parallelism,
    }
