"""`fastbert distill_student`."""

from __future__ import annotations

import argparse

from fastbert_tf.cli.options import given
from fastbert_tf.cli.pretraining_arguments import (
    VERBOSITY,
    add_corpus_arguments,
    add_student_arguments,
    add_training_arguments,
    adder,
    training_options,
)
from fastbert_tf.config import DTYPES, WordDistillationConfig
from fastbert_tf.recipes.distill_student import distill_student
from fastbert_tf.recipes.dual_corpus import corpus_settings, word_batches
from fastbert_tf.recipes.vocab import load_vocabulary

_DEFAULTS = WordDistillationConfig()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument("--teacher", required=True, metavar="DIR", help="a pretrained encoder, best of sentences")
    parser.add_argument("--vocabulary", required=True, metavar="FILE", help="the student's vocabulary")
    add_corpus_arguments(parser)
    student = parser.add_argument_group("student")
    add_student_arguments(student, _DEFAULTS, "as wide as the teacher's")
    student.add_argument("--random_start", action="store_true", help="do not fit the first weights to the teacher's")
    training = add_training_arguments(parser, _DEFAULTS, "highest learning rate, of AdamW")
    adder(training)("teacher_dtype", _DEFAULTS.teacher_dtype, "what the teacher is computed in", choices=DTYPES)


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
        verbose=VERBOSITY[arguments.progress],
    )
    print(f"distilled student: {arguments.output}/student")


def _config(arguments: argparse.Namespace) -> WordDistillationConfig:
    return WordDistillationConfig(
        student_dim=arguments.student_dim,
        inherit=not arguments.random_start,
        teacher_dtype=arguments.teacher_dtype,
        **given(arguments, "student_heads", "layer_map"),
        **training_options(arguments),
    )
