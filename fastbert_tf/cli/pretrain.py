"""`fastbert pretrain`."""

from __future__ import annotations

import argparse

from fastbert_tf.cli.pretraining_arguments import (
    VERBOSITY,
    add_corpus_arguments,
    add_masked_lm_arguments,
    masked_lm_options,
)
from fastbert_tf.config import MaskedLmConfig
from fastbert_tf.recipes.pretrain import pretrain
from fastbert_tf.recipes.train import parse_shape
from fastbert_tf.recipes.vocab import load_vocabulary

_DEFAULTS = MaskedLmConfig()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    add_corpus_arguments(parser)
    start = parser.add_argument_group("where the weights come from")
    start.add_argument(
        "--shape", metavar="L,H,A", help="layers, width and heads of a randomly initialised encoder; needs --vocabulary"
    )
    start.add_argument("--checkpoint", metavar="DIR", help="or an encoder to go on with")
    start.add_argument("--vocabulary", metavar="FILE", help="WordPiece vocabulary (default: the checkpoint's)")
    start.add_argument(
        "--cased", action="store_true", help="keep case and accents (default: what the checkpoint says, else not)"
    )
    training = add_masked_lm_arguments(parser, _DEFAULTS)
    training.add_argument(
        "--prediction_share",
        type=float,
        default=_DEFAULTS.prediction_share,
        metavar="SHARE",
        help="share of the words that are masked and predicted (default: %(default)s)",
    )


def run(arguments: argparse.Namespace) -> None:
    """Trains."""
    vocabulary = None if arguments.vocabulary is None else load_vocabulary(arguments.vocabulary)
    pretrain(
        arguments.corpus,
        arguments.held_out,
        arguments.output,
        arguments.checkpoint,
        parse_shape(arguments.shape, vocabulary) if arguments.shape else None,
        vocabulary,
        False if arguments.cased else None,
        MaskedLmConfig(prediction_share=arguments.prediction_share, **masked_lm_options(arguments)),
        arguments.max_sequence_length,
        arguments.deterministic,
        VERBOSITY[arguments.progress],
    )
    print(f"pretrained encoder: {arguments.output}/encoder")
