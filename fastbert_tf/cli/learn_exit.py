"""`fastbert learn_exit`."""

from __future__ import annotations

import argparse

from fastbert_tf.recipes.policies import learn_exit


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument(
        "--evaluation",
        required=True,
        metavar="DIR",
        help="evaluation on rows that were held out of training, and are used for nothing else",
    )
    parser.add_argument(
        "--output", required=True, metavar="FILE", help="the policy's file, for --policy learned_exit:FILE"
    )
    parser.add_argument("--exits", metavar="2,4,6", help="layers that will be on, the last one included (default: all)")
    parser.add_argument(
        "--no_label", action="store_true", help="an answer is wrong where it differs from the teacher's, not the label"
    )


def run(arguments: argparse.Namespace) -> None:
    """Fits and writes the policy."""
    learn_exit(arguments.evaluation, arguments.output, arguments.exits, labelled=not arguments.no_label)
    print(f"learned: {arguments.output}; use it as --policy learned_exit:{arguments.output}")
