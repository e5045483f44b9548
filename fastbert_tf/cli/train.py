"""`fastbert train`."""

from __future__ import annotations

import argparse

from fastbert_tf.cli.data_arguments import add_column_arguments, add_task_arguments, task_from
from fastbert_tf.config import DIVERGENCES, DTYPES, StageConfig, TrainingConfig
from fastbert_tf.recipes.train import open_unlabelled, open_vocabulary, parse_shape, train_classifier

_DEFAULTS = TrainingConfig()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    add_task_arguments(parser)
    tables = parser.add_argument_group("or own tables")
    tables.add_argument("--train", metavar="FILE", help="rows to train on")
    tables.add_argument("--dev", metavar="FILE", help="rows to report on; with --test, rows that select the best epoch")
    tables.add_argument("--test", metavar="FILE", help="rows to report on")
    tables.add_argument("--label_names", help="names in the order of their ids, with commas between")
    add_column_arguments(parser)

    start = parser.add_argument_group("where the weights come from")
    start.add_argument("--checkpoint", metavar="DIR", help="Hugging Face, Google TF1 or TF Model Garden encoder")
    start.add_argument(
        "--shape", metavar="L,H,A", help="layers, width and heads of a randomly initialised encoder; needs --vocabulary"
    )
    start.add_argument("--vocabulary", metavar="FILE", help="WordPiece vocabulary (default: the checkpoint's)")
    start.add_argument(
        "--cased", action="store_true", help="keep case and accents (default: what the checkpoint says, else not)"
    )
    start.add_argument("--branch_dim", type=int, default=128, help="width of the branch classifiers (default: 128)")
    start.add_argument("--branch_heads", type=int, default=2, help="their attention heads (default: 2)")

    schedule = parser.add_argument_group("training")
    schedule.add_argument("--output", required=True, metavar="DIR", help="the run's folder; the same call resumes it")
    schedule.add_argument("--epochs", type=int, default=_DEFAULTS.fine_tuning.epochs, help="fine-tuning epochs")
    schedule.add_argument("--learning_rate", type=float, default=_DEFAULTS.fine_tuning.learning_rate)
    schedule.add_argument("--distillation_epochs", type=int, default=_DEFAULTS.distillation.epochs)
    schedule.add_argument("--distillation_learning_rate", type=float, default=_DEFAULTS.distillation.learning_rate)
    schedule.add_argument("--warmup", type=float, default=_DEFAULTS.fine_tuning.warmup, help="share of steps")
    schedule.add_argument("--weight_decay", type=float, default=_DEFAULTS.fine_tuning.weight_decay)
    schedule.add_argument("--rounds", type=int, default=_DEFAULTS.rounds, help="how often both stages alternate")
    schedule.add_argument(
        "--no_self_distillation", action="store_true", help="train all branches on labels instead (the ablation)"
    )
    schedule.add_argument("--divergence", choices=DIVERGENCES, default=_DEFAULTS.divergence)
    schedule.add_argument("--batch_size", type=int, default=_DEFAULTS.batch_size)
    schedule.add_argument("--max_sequence_length", type=int, default=_DEFAULTS.max_sequence_length, help="tokens")
    schedule.add_argument("--dtype", choices=DTYPES, default=_DEFAULTS.dtype)
    schedule.add_argument("--seed", type=int, default=_DEFAULTS.seed)
    schedule.add_argument("--save_every", type=int, default=_DEFAULTS.save_every, help="steps between commits")
    schedule.add_argument(
        "--held_out", type=float, default=0.05, help="share of the training rows that select the best epoch"
    )
    schedule.add_argument(
        "--unlabelled", metavar="FILE", nargs="+", help="texts, one a line, to self-distil on instead of train"
    )
    schedule.add_argument("--deterministic", action="store_true", help="bitwise equal reruns, some percent slower")
    schedule.add_argument("--progress", choices=("bar", "lines", "none"), default="bar")


def run(arguments: argparse.Namespace) -> None:
    """Trains."""
    train_classifier(
        task_from(arguments),
        arguments.output,
        checkpoint=arguments.checkpoint,
        shape=parse_shape(arguments.shape, arguments.vocabulary) if arguments.shape else None,
        vocabulary=open_vocabulary(arguments.vocabulary),
        lower_case=False if arguments.cased else None,
        config=_config(arguments),
        branch_dim=arguments.branch_dim,
        branch_heads=arguments.branch_heads,
        held_out=arguments.held_out,
        unlabelled=open_unlabelled(arguments.unlabelled),
        deterministic=arguments.deterministic,
        verbose={"bar": 1, "lines": 2, "none": 0}[arguments.progress],
    )
    print(f"trained classifier: {arguments.output}/classifier")


def _config(arguments: argparse.Namespace) -> TrainingConfig:
    shared = {"warmup": arguments.warmup, "weight_decay": arguments.weight_decay}
    return TrainingConfig(
        fine_tuning=StageConfig(arguments.epochs, arguments.learning_rate, **shared),
        distillation=StageConfig(arguments.distillation_epochs, arguments.distillation_learning_rate, **shared),
        rounds=arguments.rounds,
        self_distillation=not arguments.no_self_distillation,
        divergence=arguments.divergence,
        batch_size=arguments.batch_size,
        max_sequence_length=arguments.max_sequence_length,
        dtype=arguments.dtype,
        seed=arguments.seed,
        save_every=arguments.save_every,
    )
