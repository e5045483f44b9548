"""`fastbert pretrain_student`."""

from __future__ import annotations

import argparse
from typing import Any

from fastbert_tf.cli.options import given
from fastbert_tf.config import DTYPES, VARIANTS, PretrainingConfig, StageConfig
from fastbert_tf.recipes.dual_corpus import corpus_settings, dual_batches
from fastbert_tf.recipes.pretrain_student import pretrain_student
from fastbert_tf.recipes.vocab import load_vocabulary

_DEFAULTS = PretrainingConfig()
_PLAIN = (
    "variant", "student_dim", "p_dt", "epsilon", "dropout", "batch_size", "accumulation", "dtype", "seed", "save_every"
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument("--teacher", required=True, metavar="DIR", help="a pretrained encoder")
    parser.add_argument("--vocabulary", required=True, metavar="FILE", help="the student's vocabulary")
    parser.add_argument("--corpus", required=True, nargs="+", metavar="FILE", help="text or .gz, one paragraph a line")
    parser.add_argument("--held_out", required=True, nargs="+", metavar="FILE", help="texts that select the epoch")
    parser.add_argument("--output", required=True, metavar="DIR", help="the run's folder; the same call resumes it")
    _add_method_arguments(parser)
    _add_training_arguments(parser)


def _layers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be layers such as 2,4,6, but is {text!r}") from None


def _adder(group: Any) -> Any:
    def add(name: str, default: Any, what: str, **options: Any) -> None:
        options = {"type": type(default), **options}
        group.add_argument(f"--{name}", default=default, help=f"{what} (default: %(default)s)", **options)

    return add


def _add_method_arguments(parser: argparse.ArgumentParser) -> None:
    method = parser.add_argument_group("method")
    add = _adder(method)
    add("variant", _DEFAULTS.variant, "what the student learns from", choices=VARIANTS)
    add("student_dim", _DEFAULTS.student_dim, "width of the student")
    method.add_argument("--student_heads", type=int, help="its attention heads (default: the teacher's)")
    method.add_argument(
        "--layer_map",
        type=_layers,
        metavar="L,L,...",
        help="the teacher's layer, from 1, for each of the student's (default: as many as the teacher)",
    )
    add("p_dt", _DEFAULTS.p_dt, "share of the words that the teacher reads in the student's vocabulary")
    add("epsilon", _DEFAULTS.epsilon, "weight of the cross-entropies beside the projection loss")
    method.add_argument("--freeze_teacher", action="store_true", help="do not train the teacher")
    add("dropout", _DEFAULTS.dropout, "of teacher and student")


def _add_training_arguments(parser: argparse.ArgumentParser) -> None:
    training = parser.add_argument_group("training")
    add = _adder(training)
    add("epochs", _DEFAULTS.training.epochs, "epochs")
    training.add_argument("--epoch_steps", type=int, help="batches of an epoch (default: the whole corpus)")
    training.add_argument("--held_out_steps", type=int, help="held-out batches (default: all that are full)")
    add("learning_rate", _DEFAULTS.training.learning_rate, "highest learning rate, for 4096 rows a step")
    add("warmup", _DEFAULTS.training.warmup, "share of the batches in which the learning rate rises")
    add("weight_decay", _DEFAULTS.training.weight_decay, "weight decay")
    add("head_epochs", _DEFAULTS.head_warmup.epochs, "epochs for the head that the teacher lacks")
    add("head_learning_rate", _DEFAULTS.head_warmup.learning_rate, "its learning rate")
    add("batch_size", _DEFAULTS.batch_size, "rows of a batch")
    add("accumulation", _DEFAULTS.accumulation, "batches a step")
    add("max_sequence_length", 128, "longest row in tokens")
    add("dtype", _DEFAULTS.dtype, "what is computed in", choices=DTYPES)
    add("seed", _DEFAULTS.seed, "of first weights, dropout, order and corruption")
    add("save_every", _DEFAULTS.save_every, "batches between two states to resume from")
    add("progress", "bar", "what is shown", choices=("bar", "lines", "none"))
    training.add_argument("--deterministic", action="store_true", help="bitwise equal reruns, some percent slower")


def run(arguments: argparse.Namespace) -> None:
    """Trains."""
    length = arguments.max_sequence_length
    pretrain_student(
        arguments.teacher,
        load_vocabulary(arguments.vocabulary),
        dual_batches(
            arguments.corpus, arguments.held_out, arguments.batch_size, length, progress=arguments.progress == "bar"
        ),
        arguments.output,
        _config(arguments),
        corpus_settings(arguments.corpus, arguments.held_out, length),
        deterministic=arguments.deterministic,
        verbose={"bar": 1, "lines": 2, "none": 0}[arguments.progress],
    )
    print(f"pretrained student: {arguments.output}/student")


def _config(arguments: argparse.Namespace) -> PretrainingConfig:
    shared = {"warmup": arguments.warmup, "weight_decay": arguments.weight_decay}
    return PretrainingConfig(
        **{name: getattr(arguments, name) for name in _PLAIN},
        **given(arguments, "student_heads", "epoch_steps", "held_out_steps"),
        layer_map=arguments.layer_map,
        train_teacher=not arguments.freeze_teacher,
        head_warmup=StageConfig(arguments.head_epochs, arguments.head_learning_rate, **shared),
        training=StageConfig(arguments.epochs, arguments.learning_rate, **shared),
    )
