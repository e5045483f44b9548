"""The arguments that every pretraining takes."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from fastbert_tf.cli.options import given, layer_list
from fastbert_tf.config import (
    DTYPES,
    CorpusRunConfig,
    MaskedLmConfig,
    PretrainingConfig,
    StageConfig,
    WordDistillationConfig,
)

VERBOSITY = {"bar": 1, "lines": 2, "none": 0}
"""What `--progress` means to Keras."""
_PLAIN = ("batch_size", "dtype", "seed", "save_every")


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


def add_student_arguments(group: Any, defaults: PretrainingConfig | WordDistillationConfig, heads: str) -> None:
    """Adds the shape of a student beside a teacher; `heads` says what the default of `--student_heads` is."""
    adder(group)("student_dim", defaults.student_dim, "width of the student")
    group.add_argument("--student_heads", type=int, help=f"its attention heads (default: {heads})")
    group.add_argument(
        "--layer_map",
        type=layer_list,
        metavar="L,L,...",
        help="the teacher's layer, from 1, for each of the student's (default: as many as the teacher)",
    )


def add_training_arguments(parser: argparse.ArgumentParser, defaults: CorpusRunConfig, rate: str) -> Any:
    """Adds budget, learning rate and the like; returns their group.

    Args:
        parser: the command's.
        defaults: of the command.
        rate: what the learning rate is.
    """
    training = parser.add_argument_group("training")
    add = adder(training)
    add("epochs", defaults.training.epochs, "epochs")
    training.add_argument("--epoch_steps", type=int, help="batches of an epoch (default: the whole corpus)")
    training.add_argument("--held_out_steps", type=int, help="held-out batches (default: all that are full)")
    add("learning_rate", defaults.training.learning_rate, rate)
    add("warmup", defaults.training.warmup, "share of the batches in which the learning rate rises")
    add("weight_decay", defaults.training.weight_decay, "weight decay")
    add("batch_size", defaults.batch_size, "rows of a batch")
    add("max_sequence_length", 128, "longest row in tokens")
    add("dtype", defaults.dtype, "what is trained is computed in", choices=DTYPES)
    add("seed", defaults.seed, "of first weights, dropout, order and corruption")
    add("save_every", defaults.save_every, "batches between two states to resume from")
    add("progress", "bar", "what is shown", choices=tuple(VERBOSITY))
    training.add_argument("--deterministic", action="store_true", help="bitwise equal reruns, some percent slower")
    return training


def training_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Returns the fields of `CorpusRunConfig` that `add_training_arguments` asks for."""
    return {
        **{name: getattr(arguments, name) for name in _PLAIN},
        **given(arguments, "epoch_steps", "held_out_steps"),
        "training": StageConfig(arguments.epochs, arguments.learning_rate, arguments.warmup, arguments.weight_decay),
    }


def add_masked_lm_arguments(parser: argparse.ArgumentParser, defaults: MaskedLmConfig) -> Any:
    """Adds what `add_training_arguments` does, and what is masked words' own; returns the group."""
    training = add_training_arguments(parser, defaults, "highest learning rate, for 4096 rows a step")
    add = adder(training)
    add("dropout", defaults.dropout, "of all that is trained")
    add("accumulation", defaults.accumulation, "batches a step")
    return training


def masked_lm_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Returns the fields of `MaskedLmConfig` that `add_masked_lm_arguments` asks for."""
    return {**training_options(arguments), "dropout": arguments.dropout, "accumulation": arguments.accumulation}
