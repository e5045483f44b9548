"""`fastbert profile`."""

from __future__ import annotations

import argparse

from fastbert_tf.cli.thread_arguments import add_thread_arguments, thread_options
from fastbert_tf.recipes.profile import profile_model, profile_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument("--model", required=True, metavar="DIR", help="a trained classifier (RUN/classifier)")
    parser.add_argument("--output", required=True, metavar="DIR", help="folder for profile.json, table and picture")
    parser.add_argument(
        "--precision",
        choices=("float32", "bfloat16", "int8"),
        help="profile the graph that is exported in this arithmetic (default: the trained Keras layers)",
    )
    parser.add_argument("--batch", type=int, default=1, metavar="N", help="rows a call (default: %(default)s)")
    parser.add_argument(
        "--length", type=int, default=128, metavar="N", help="tokens a row, all real (default: %(default)s)"
    )
    parser.add_argument(
        "--repeats", type=int, default=20, metavar="N", help="timings; medians count (default: %(default)s)"
    )
    add_thread_arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    """Profiles and prints the tables."""
    profile = profile_model(
        arguments.model,
        arguments.output,
        **thread_options(arguments),
        precision=arguments.precision,
        batch_size=arguments.batch,
        length=arguments.length,
        repeats=arguments.repeats,
    )
    print(profile_text(profile))
