"""`fastbert train`."""

from __future__ import annotations

import argparse
from typing import Any

from fastbert_tf.cli.data_arguments import add_column_arguments, add_task_arguments, table_options
from fastbert_tf.cli.options import comma_separated, given, refuse
from fastbert_tf.config import DIVERGENCES, DTYPES, StageConfig, TrainingConfig
from fastbert_tf.recipes.task_files import HELD_OUT, open_task
from fastbert_tf.recipes.train import default_training, open_unlabelled, parse_shape, train_classifier
from fastbert_tf.recipes.vocab import load_vocabulary

_DEFAULTS, _BUILTIN = TrainingConfig(), default_training()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    add_task_arguments(parser)
    tables = parser.add_argument_group("or own tables")
    tables.add_argument("--train", metavar="FILE", help="rows to train on")
    tables.add_argument("--dev", metavar="FILE", help="rows that select the best epoch (default: see --held_out)")
    tables.add_argument(
        "--label_names",
        type=comma_separated,
        help="names in the order of their ids, with commas between (default: the labels of --train, sorted)",
    )
    add_column_arguments(parser)
    _add_start_arguments(parser)
    _add_schedule_arguments(parser)
    _add_distillation_arguments(parser)


def _add_start_arguments(parser: argparse.ArgumentParser) -> None:
    start = parser.add_argument_group("where the weights come from")
    start.add_argument(
        "--checkpoint",
        metavar="DIR",
        help="Hugging Face, Google TF1 or TF Model Garden encoder; builtin is the small English student of this "
        "package (default: builtin, unless --shape is given)",
    )
    start.add_argument(
        "--shape", metavar="L,H,A", help="layers, width and heads of a randomly initialised encoder; needs --vocabulary"
    )
    start.add_argument("--vocabulary", metavar="FILE", help="WordPiece vocabulary (default: the checkpoint's)")
    start.add_argument(
        "--cased", action="store_true", help="keep case and accents (default: what the checkpoint says, else not)"
    )
    start.add_argument(
        "--branch_dim",
        type=int,
        help="width of the branch classifiers (default: a third of the encoder's width, at most 128, rounded down to a "
        "multiple of their heads)",
    )
    start.add_argument("--branch_heads", type=int, default=2, help="their attention heads (default: %(default)s)")


def _add_schedule_arguments(parser: argparse.ArgumentParser) -> None:
    schedule = parser.add_argument_group("training")
    schedule.add_argument("--output", required=True, metavar="DIR", help="the run's folder; the same call resumes it")

    def add(name: str, default: Any, what: str, **options: Any) -> None:
        options = {"type": type(default), **options}
        schedule.add_argument(f"--{name}", default=default, help=f"{what} (default: %(default)s)", **options)

    add("epochs", _DEFAULTS.fine_tuning.epochs, "epochs of fine-tuning")
    schedule.add_argument(
        "--learning_rate",
        type=float,
        help=f"highest learning rate of fine-tuning (default: {_DEFAULTS.fine_tuning.learning_rate}; for the built-in "
        f"student {_BUILTIN.fine_tuning.learning_rate})",
    )
    add("warmup", _DEFAULTS.fine_tuning.warmup, "share of a stage's steps in which the learning rate rises")
    add("weight_decay", _DEFAULTS.fine_tuning.weight_decay, "decoupled weight decay (AdamW)")
    add("rounds", _DEFAULTS.rounds, "how often fine-tuning and self-distillation alternate")
    add("batch_size", _DEFAULTS.batch_size, "rows a step")
    add("max_sequence_length", _DEFAULTS.max_sequence_length, "longest input in tokens; longer texts are cut")
    add("dtype", _DEFAULTS.dtype, "what is computed in", choices=DTYPES)
    add("seed", _DEFAULTS.seed, "of first weights, dropout, order and splits")
    add("save_every", _DEFAULTS.save_every, "steps between two states to resume from")
    add("progress", "bar", "what is shown", choices=("bar", "lines", "none"))
    schedule.add_argument(
        "--held_out",
        type=float,
        help="share of the training rows that select the best epoch, where neither --dev nor the task's dev part does "
        f"(default: {HELD_OUT})",
    )
    schedule.add_argument(
        "--calibration_rows",
        type=int,
        default=0,
        metavar="N",
        help="training rows that are held out of all of this, for fastbert calibrate, such as 5000 (default: none)",
    )
    schedule.add_argument(
        "--observe_speed",
        type=float,
        metavar="S",
        help="measure accuracy and FLOPs at this speed, such as 0.5, after each epoch, for a report (default: do not)",
    )
    schedule.add_argument("--deterministic", action="store_true", help="bitwise equal reruns, some percent slower")


def _add_distillation_arguments(parser: argparse.ArgumentParser) -> None:
    stage = parser.add_argument_group("self-distillation")
    stage.add_argument(
        "--no_self_distillation", action="store_true", help="train all branches on labels instead (the ablation)"
    )
    stage.add_argument("--distillation_epochs", type=int, help=f"epochs (default: {_DEFAULTS.distillation.epochs})")
    stage.add_argument(
        "--distillation_learning_rate",
        type=float,
        help=f"highest learning rate (default: {_DEFAULTS.distillation.learning_rate}; for the built-in student "
        f"{_BUILTIN.distillation.learning_rate})",
    )
    stage.add_argument(
        "--divergence",
        choices=DIVERGENCES,
        help="forward: KL(teacher || student), the authors' code; reverse: KL(student || teacher), the paper's eq. 5 "
        f"(default: {_DEFAULTS.divergence})",
    )
    stage.add_argument(
        "--unlabelled", metavar="FILE", nargs="+", help="texts, one a line, to learn from instead of train"
    )


def run(arguments: argparse.Namespace) -> None:
    """Trains."""
    if arguments.no_self_distillation:
        no_effect = "has no effect beside --no_self_distillation; drop one of the two"
        refuse(arguments, ("distillation_epochs", "distillation_learning_rate", "divergence", "unlabelled"), no_effect)
    vocabulary = None if arguments.vocabulary is None else load_vocabulary(arguments.vocabulary)
    train_classifier(
        _task(arguments),
        arguments.output,
        checkpoint=arguments.checkpoint,
        shape=parse_shape(arguments.shape, vocabulary) if arguments.shape else None,
        vocabulary=vocabulary,
        lower_case=False if arguments.cased else None,
        config=_config(arguments),
        branch_dim=arguments.branch_dim,
        branch_heads=arguments.branch_heads,
        calibration_rows=arguments.calibration_rows,
        unlabelled=open_unlabelled(arguments.unlabelled),
        deterministic=arguments.deterministic,
        observe_speed=arguments.observe_speed,
        verbose={"bar": 1, "lines": 2, "none": 0}[arguments.progress],
        **given(arguments, "held_out"),
    )
    print(f"trained classifier: {arguments.output}/classifier")


def _task(arguments: argparse.Namespace) -> Any:
    """Opens the task or the tables.

    Raises:
        ValueError: a file is unusable, or an option has no effect beside another.
    """
    table = table_options(arguments, "train", "dev", "label_names", "text", "text_pair", "label")
    if "dev" in table:
        refuse(arguments, ["held_out"], "makes the rows that --dev names; drop one of the two")
    if arguments.task is None:
        return open_task(**table, seed=arguments.seed, **given(arguments, "held_out"))
    task = open_task(arguments.task, folder=arguments.data_dir)
    if task.test is not None:
        refuse(arguments, ["held_out"], f"has no effect on task {task.name}, whose dev part selects the epoch; drop it")
    return task


def _config(arguments: argparse.Namespace) -> TrainingConfig:
    shared = {"warmup": arguments.warmup, "weight_decay": arguments.weight_decay}
    defaults = default_training(arguments.checkpoint, arguments.shape)
    rate, epochs = arguments.learning_rate, arguments.distillation_epochs
    fine_tuning = StageConfig(arguments.epochs, defaults.fine_tuning.learning_rate if rate is None else rate, **shared)
    rate = arguments.distillation_learning_rate
    distillation = StageConfig(
        defaults.distillation.epochs if epochs is None else epochs,
        defaults.distillation.learning_rate if rate is None else rate,
        **shared,
    )
    return TrainingConfig(
        fine_tuning=fine_tuning,
        distillation=distillation,
        rounds=arguments.rounds,
        self_distillation=not arguments.no_self_distillation,
        batch_size=arguments.batch_size,
        max_sequence_length=arguments.max_sequence_length,
        dtype=arguments.dtype,
        seed=arguments.seed,
        save_every=arguments.save_every,
        **given(arguments, "divergence"),
    )
