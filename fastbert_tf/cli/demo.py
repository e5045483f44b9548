"""`fastbert demo`."""

from __future__ import annotations

import argparse

from fastbert_tf.recipes.demo import demo


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument("--output", default="runs/demo", metavar="DIR", help="the run's folder (default: %(default)s)")


def run(arguments: argparse.Namespace) -> None:
    """Runs the demo."""
    demo(arguments.output)
