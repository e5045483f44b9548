"""The `fastbert` command."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Iterable, Sequence

from absl import app, flags, logging
from absl.flags import argparse_flags

COMMANDS = {
    "texts": "write the training texts of tasks as a corpus",
    "vocab": "learn a small WordPiece vocabulary from a corpus",
    "pretrain": "train an encoder on masked words, from random weights or a checkpoint",
    "pretrain_student": "pretrain a small student beside its teacher",
    "distill_student": "pretrain a small student on its teacher's states, word by word",
    "train": "fine-tune a pretrained BERT and self-distil its branches",
    "evaluate": "measure accuracy against cost at every speed",
    "learn_exit": "fit an exit policy that predicts which answers are wrong",
    "calibrate": "choose the speed that keeps a promise about accuracy, with a certificate",
    "report": "write what runs have stored as one HTML file and as Markdown",
    "profile": "measure where weights, arithmetic and time are, part by part",
    "export": "write a SavedModel that TensorFlow Serving runs",
    "export_litert": "write a LiteRT (TensorFlow Lite) file for a small device",
    "serve": "answer gRPC and REST requests as TensorFlow Serving does",
    "gateway": "control the load of a stock TensorFlow Serving",
    "doctor": "check that a stock TensorFlow Serving will run an export",
    "predict": "classify texts, by a server or by a trained model",
    "demo": "train, evaluate, export, serve and query on the built-in sample",
}


def main() -> None:
    """Entry point of the console script."""
    app.run(_run, flags_parser=parse)


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parses a command line; only the chosen command's file is imported."""
    return parser_of(name for name in COMMANDS if name in argv[1:]).parse_args(argv[1:])


def parser_of(chosen: Iterable[str]) -> argparse.ArgumentParser:
    """Returns the parser; of the subcommands only those chosen have their arguments."""
    chosen = set(chosen)
    parser = argparse_flags.ArgumentParser(
        allow_abbrev=False,
        prog="fastbert",
        description="Compress a BERT, serve it adaptively, and know what speed costs in accuracy.",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(
            name, allow_abbrev=False, help=summary, description=summary[0].upper() + summary[1:] + "."
        )
        if name in chosen:
            module = importlib.import_module(f"fastbert_tf.cli.{name}")
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    return parser


def _run(arguments: argparse.Namespace) -> int:
    if not flags.FLAGS["verbosity"].present:  # app.run would show everything that TensorFlow has to say
        logging.set_verbosity(logging.WARNING)
    from fastbert_tf.recipes.errors import USER_ERRORS  # here, so that --help needs no TensorFlow

    try:
        arguments.run(arguments)
    except KeyboardInterrupt:
        print(f"fastbert {arguments.command}: interrupted", file=sys.stderr)
        return 130
    except USER_ERRORS as error:
        logging.debug("traceback", exc_info=True)  # shown with --verbosity=1
        print(f"fastbert {arguments.command}: {_one_line(error)}", file=sys.stderr)
        return 1
    return 0


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split()) or type(error).__name__


if __name__ == "__main__":
    main()
