"""The argument that names an exit policy."""

from __future__ import annotations

import argparse

from fastbert_tf.recipes.policies import POLICY_NAMES


def add_policy_argument(parser: argparse.ArgumentParser) -> None:
    """Adds `--policy`."""
    parser.add_argument(
        "--policy",
        metavar="NAME[:FILE|:P=N,...]",
        help=f"exit rule, one of {', '.join(POLICY_NAMES)}; with a file of its parameters, or with numbers "
        "(default: normalized_entropy)",
    )
