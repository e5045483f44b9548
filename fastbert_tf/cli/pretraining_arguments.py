"""The arguments that every pretraining takes."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from fastbert_tf.cli.options import given
from fastbert_tf.config import DTYPES, MaskedLmConfig, StageConfig

VERBOSITY = {"bar": 1, "lines": 2, "none": 0}
"""What `--progress` means to Keras."""
_PLAIN = ("dropout", "batch_size", "accumulation", "dtype", "seed", "save_every")


def adder(group: Any) -> Callable[..., None]:
    """Returns what adds an option with a default to a group of arguments."""

    def add(name: str, default: Any, what: str, **options: Any) -> None:
        options = {"type": type(default), **options}
        group.add_argument(f"--{name}", default=default, help=f"{what} (default: %(default)s)", **options)

    return add


def add_corpus_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the files, and the folder of the run."""
    parser.add_argument("--corpus", required=True, nargs="+", metavar="FILE", help="text or .gz, one paragraph a line")
    parser.add_argument("--held_out", required=True, nargs="+", metavar="FILE", help="texts that select the epoch")
    parser.add_argument("--output", required=True, metavar="DIR", help="the run's folder; the same call resumes it")


def add_training_arguments(parser: argparse.ArgumentParser, defaults: MaskedLmConfig) -> Any:
    """Adds budget, learning rate and the like; returns their group."""
    training = parser.add_argument_group("training")
    add = adder(training)
    add("epochs", defaults.training.epochs, "epochs")
    training.add_argument("--epoch_steps", type=int, help="batches of an epoch (default: the whole corpus)")
    training.add_argument("--held_out_steps", type=int, help="held-out batches (default: all that are full)")
    add("learning_rate", defaults.training.learning_rate, "highest learning rate, for 4096 rows a step")
    add("warmup", defaults.training.warmup, "share of the batches in which the learning rate rises")
    add("weight_decay", defaults.training.weight_decay, "weight decay")
    add("dropout", defaults.dropout, "of all that is trained")
    add("batch_size", defaults.batch_size, "rows of a batch")
    add("accumulation", defaults.accumulation, "batches a step")
    add("max_sequence_length", 128, "longest row in tokens")
    add("dtype", defaults.dtype, "what is computed in", choices=DTYPES)
    add("seed", defaults.seed, "of first weights, dropout, order and corruption")
    add("save_every", defaults.save_every, "batches between two states to resume from")
    add("progress", "bar", "what is shown", choices=tuple(VERBOSITY))
    training.add_argument("--deterministic", action="store_true", help="bitwise equal reruns, some percent slower")
    return training


def training_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Returns the fields of `MaskedLmConfig` that `add_training_arguments` asks for."""
    return {
        **{name: getattr(arguments, name) for name in _PLAIN},
        **given(arguments, "epoch_steps", "held_out_steps"),
        "training": StageConfig(arguments.epochs, arguments.learning_rate, arguments.warmup, arguments.weight_decay),
    }
