"""`fastbert distill_student`."""

from __future__ import annotations

import argparse
from typing import Any

from fastbert_tf.cli.options import given, layer_list
from fastbert_tf.config import DTYPES, StageConfig, WordDistillationConfig
from fastbert_tf.recipes.distill_student import distill_student
from fastbert_tf.recipes.dual_corpus import corpus_settings, word_batches
from fastbert_tf.recipes.vocab import load_vocabulary

_DEFAULTS = WordDistillationConfig()
_PLAIN = ("student_dim", "batch_size", "dtype", "teacher_dtype", "seed", "save_every")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument("--teacher", required=True, metavar="DIR", help="a pretrained encoder, best of sentences")
    parser.add_argument("--vocabulary", required=True, metavar="FILE", help="the student's vocabulary")
    parser.add_argument("--corpus", required=True, nargs="+", metavar="FILE", help="text or .gz, one paragraph a line")
    parser.add_argument("--held_out", required=True, nargs="+", metavar="FILE", help="texts that select the epoch")
    parser.add_argument("--output", required=True, metavar="DIR", help="the run's folder; the same call resumes it")

    def add(name: str, default: Any, what: str, **options: Any) -> None:
        options = {"type": type(default), **options}
        parser.add_argument(f"--{name}", default=default, help=f"{what} (default: %(default)s)", **options)

    add("student_dim", _DEFAULTS.student_dim, "width of the student")
    parser.add_argument("--student_heads", type=int, help="its attention heads (default: as wide as the teacher's)")
    parser.add_argument(
        "--layer_map",
        type=layer_list,
        metavar="L,L,...",
        help="the teacher's layer, from 1, for each of the student's (default: as many as the teacher)",
    )
    parser.add_argument("--random_start", action="store_true", help="do not fit the first weights to the teacher's")
    add("epochs", _DEFAULTS.training.epochs, "epochs")
    parser.add_argument("--epoch_steps", type=int, help="batches of an epoch (default: the whole corpus)")
    parser.add_argument("--held_out_steps", type=int, help="held-out batches (default: all that are full)")
    add("learning_rate", _DEFAULTS.training.learning_rate, "highest learning rate")
    add("warmup", _DEFAULTS.training.warmup, "share of the batches in which the learning rate rises")
    add("weight_decay", _DEFAULTS.training.weight_decay, "decoupled weight decay (AdamW)")
    add("batch_size", _DEFAULTS.batch_size, "rows of a batch")
    add("max_sequence_length", 128, "longest row in tokens")
    add("dtype", _DEFAULTS.dtype, "what the student is computed in", choices=DTYPES)
    add("teacher_dtype", _DEFAULTS.teacher_dtype, "what the teacher is computed in", choices=DTYPES)
    add("seed", _DEFAULTS.seed, "of first weights and order")
    add("save_every", _DEFAULTS.save_every, "batches between two states to resume from")
    add("progress", "bar", "what is shown", choices=("bar", "lines", "none"))
    parser.add_argument("--deterministic", action="store_true", help="bitwise equal reruns, some percent slower")


def run(arguments: argparse.Namespace) -> None:
    """Trains."""
    length = arguments.max_sequence_length
    distill_student(
        arguments.teacher,
        load_vocabulary(arguments.vocabulary),
        word_batches(
            arguments.corpus, arguments.held_out, arguments.batch_size, length, progress=arguments.progress == "bar"
        ),
        arguments.output,
        _config(arguments),
        corpus_settings(arguments.corpus, arguments.held_out, length),
        deterministic=arguments.deterministic,
        verbose={"bar": 1, "lines": 2, "none": 0}[arguments.progress],
    )
    print(f"distilled student: {arguments.output}/student")


def _config(arguments: argparse.Namespace) -> WordDistillationConfig:
    return WordDistillationConfig(
        **{name: getattr(arguments, name) for name in _PLAIN},
        **given(arguments, "student_heads", "layer_map", "epoch_steps", "held_out_steps"),
        inherit=not arguments.random_start,
        training=StageConfig(
            arguments.epochs, arguments.learning_rate, warmup=arguments.warmup, weight_decay=arguments.weight_decay
        ),
    )
