"""`fastbert export_litert`."""

from __future__ import annotations

import argparse

from fastbert_tf.config import DEFAULT_SPEED
from fastbert_tf.recipes.export_litert import export_litert_model


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument("--model", required=True, metavar="DIR", help="a trained classifier (RUN/classifier)")
    parser.add_argument("--output", required=True, metavar="DIR", help="the folder to write")
    parser.add_argument(
        "--precision", choices=("float16", "int8"), default="int8", help="of the stored weights (default: %(default)s)"
    )
    parser.add_argument(
        "--default_speed",
        type=float,
        default=DEFAULT_SPEED,
        help="speed where the app names none, in [0, 1] (default: %(default)s)",
    )
    parser.add_argument(
        "--exits", metavar="all|2,4,6", help="layers whose branch is on, the last one included (default: all)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an older LiteRT export in the folder")


def run(arguments: argparse.Namespace) -> None:
    """Exports, and says how large the file is."""
    folder = export_litert_model(
        arguments.model,
        arguments.output,
        precision=arguments.precision,
        default_speed=arguments.default_speed,
        exits=arguments.exits,
        overwrite=arguments.overwrite,
    )
    for path in sorted(folder.iterdir()):
        if path.is_file():
            print(f"{path.name}: {path.stat().st_size:,} bytes")
    print(f"exported: {folder}")
