"""`fastbert pretrain_student`."""

from __future__ import annotations

import argparse

from fastbert_tf.cli.options import given
from fastbert_tf.cli.pretraining_arguments import (
    VERBOSITY,
    add_corpus_arguments,
    add_masked_lm_arguments,
    add_student_arguments,
    adder,
    masked_lm_options,
)
from fastbert_tf.config import VARIANTS, PretrainingConfig, StageConfig
from fastbert_tf.recipes.dual_corpus import corpus_settings, dual_batches
from fastbert_tf.recipes.pretrain_student import pretrain_student
from fastbert_tf.recipes.vocab import load_vocabulary

_DEFAULTS = PretrainingConfig()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument("--teacher", required=True, metavar="DIR", help="a pretrained encoder")
    parser.add_argument("--vocabulary", required=True, metavar="FILE", help="the student's vocabulary")
    add_corpus_arguments(parser)
    _add_method_arguments(parser)
    add = adder(add_masked_lm_arguments(parser, _DEFAULTS))
    add("head_epochs", _DEFAULTS.head_warmup.epochs, "epochs for the head that the teacher lacks")
    add("head_learning_rate", _DEFAULTS.head_warmup.learning_rate, "its learning rate")


def _add_method_arguments(parser: argparse.ArgumentParser) -> None:
    method = parser.add_argument_group("method")
    add = adder(method)
    add("variant", _DEFAULTS.variant, "what the student learns from", choices=VARIANTS)
    add_student_arguments(method, _DEFAULTS, "the teacher's")
    add("p_dt", _DEFAULTS.p_dt, "share of the words that the teacher reads in the student's vocabulary")
    add("epsilon", _DEFAULTS.epsilon, "weight of the cross-entropies beside the projection loss")
    method.add_argument("--freeze_teacher", action="store_true", help="do not train the teacher")


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
        verbose=VERBOSITY[arguments.progress],
    )
    print(f"pretrained student: {arguments.output}/student")


def _config(arguments: argparse.Namespace) -> PretrainingConfig:
    warm_up = StageConfig(arguments.head_epochs, arguments.head_learning_rate, arguments.warmup, arguments.weight_decay)
    return PretrainingConfig(
        arguments.variant,
        arguments.student_dim,
        p_dt=arguments.p_dt,
        epsilon=arguments.epsilon,
        layer_map=arguments.layer_map,
        train_teacher=not arguments.freeze_teacher,
        head_warmup=warm_up,
        **given(arguments, "student_heads"),
        **masked_lm_options(arguments),
    )
