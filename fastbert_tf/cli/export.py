"""`fastbert export`."""

from __future__ import annotations

import argparse

from fastbert_tf.config import DEFAULT_SPEED
from fastbert_tf.recipes.export import export_model


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument("--model", required=True, metavar="DIR", help="a trained classifier (RUN/classifier)")
    parser.add_argument(
        "--output", required=True, metavar="DIR", help="the model's folder; a version is a folder in it"
    )
    parser.add_argument(
        "--version", type=int, default=1, help="the version's number, at least 1 (default: %(default)s)"
    )
    parser.add_argument(
        "--default_speed",
        type=float,
        default=DEFAULT_SPEED,
        help="speed of requests that name none, in [0, 1] (default: %(default)s)",
    )
    parser.add_argument("--evaluation", metavar="DIR", help="evaluation whose curve goes into the manifest")
    parser.add_argument(
        "--lowest_accuracy",
        type=float,
        metavar="A",
        help="lowest accuracy on that curve that load control may go to, in [0, 1] (default: no load control)",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the version if it exists")


def run(arguments: argparse.Namespace) -> None:
    """Exports."""
    path = export_model(
        arguments.model,
        arguments.output,
        version=arguments.version,
        default_speed=arguments.default_speed,
        evaluation=arguments.evaluation,
        lowest_accuracy=arguments.lowest_accuracy,
        overwrite=arguments.overwrite,
    )
    print(f"exported: {path}")
