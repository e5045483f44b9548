"""`fastbert export`."""

from __future__ import annotations

import argparse

from fastbert_tf.cli.data_arguments import column
from fastbert_tf.cli.options import given, refuse
from fastbert_tf.cli.policy_argument import add_policy_argument
from fastbert_tf.cli.thread_arguments import add_thread_arguments, thread_options
from fastbert_tf.config import DEFAULT_SPEED
from fastbert_tf.recipes.exits import exits_in_words, promise_in_words
from fastbert_tf.recipes.export import export_model
from fastbert_tf.recipes.task_files import TASK_NAMES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument("--model", required=True, metavar="DIR", help="a trained classifier (RUN/classifier)")
    parser.add_argument(
        "--output", required=True, metavar="DIR", help="the model's folder; a version is a folder in it"
    )
    parser.add_argument(
        "--version", type=int, default=1, help="the version's number, at least 1 (default: %(default)s)"
    )
    parser.add_argument(
        "--default_speed",
        type=float,
        help=f"speed of requests that name none, in [0, 1] (default: the certificate's, or {DEFAULT_SPEED})",
    )
    parser.add_argument(
        "--certificate",
        metavar="DIR",
        help="calibration of this classifier in this precision: policy, exits and default speed are taken from it, and "
        "clients can ask for a speedup",
    )
    parser.add_argument(
        "--speedup",
        type=float,
        metavar="X",
        help="of requests that name none, by the certificate's dial; 1 is full depth",
    )
    parser.add_argument(
        "--evaluation", metavar="DIR", help="evaluation in the same precision; its curve goes into the manifest"
    )
    parser.add_argument(
        "--lowest_accuracy",
        type=float,
        metavar="A",
        help="lowest accuracy on that curve that load control may go to, in [0, 1] (default: no load control)",
    )
    parser.add_argument(
        "--exits",
        metavar="auto|all|2,4,6",
        help="layers whose branch is on, the last one included; auto times this machine and takes what pays for the "
        "evaluation's rows at the speeds that the server may choose (default: auto with --evaluation, else all)",
    )
    parser.add_argument(
        "--most_loss",
        type=float,
        metavar="S",
        help="of --exits auto: share of the plain encoder's time by which rows may be slower that never leave, since "
        "they are hard or their own speed is low (default: no bound)",
    )
    parser.add_argument(
        "--precision",
        choices=("float32", "bfloat16", "int8"),
        default="float32",
        help="arithmetic of the graph (default: %(default)s)",
    )
    add_policy_argument(parser)
    sample = parser.add_argument_group("calibration of int8, on rows that look like the real inputs")
    sample.add_argument("--calibration_task", choices=TASK_NAMES, help="the training rows of a task known by name")
    sample.add_argument("--data_dir", metavar="DIR", help="where the files of named tasks lie (default: FASTBERT_DATA)")
    sample.add_argument("--calibration", metavar="FILE", help="or an own table (TSV, CSV, JSONL)")
    sample.add_argument("--text", type=column, metavar="COLUMN", help="its text (default: text)")
    sample.add_argument("--text_pair", type=column, metavar="COLUMN", help="its second text, for a pair task")
    parser.add_argument("--overwrite", action="store_true", help="replace the version if it exists")
    add_thread_arguments(parser.add_argument_group("threads while exits are timed; take the server's"))


def run(arguments: argparse.Namespace) -> None:
    """Exports, and says which branches are on."""
    if arguments.calibration_task is None:
        refuse(arguments, ["data_dir"], "has no effect without --calibration_task; add that or drop this")
    else:
        refuse(arguments, ["calibration"], "has no effect beside --calibration_task; drop one of the two")
    if arguments.calibration is None:
        refuse(arguments, ["text", "text_pair"], "has no effect without --calibration; add that or drop this")
    path = export_model(
        arguments.model,
        arguments.output,
        version=arguments.version,
        default_speed=arguments.default_speed,
        certificate=arguments.certificate,
        speedup=arguments.speedup,
        evaluation=arguments.evaluation,
        lowest_accuracy=arguments.lowest_accuracy,
        precision=arguments.precision,
        policy=arguments.policy,
        exits=arguments.exits,
        most_loss=arguments.most_loss,
        folder=arguments.data_dir,
        overwrite=arguments.overwrite,
        **thread_options(arguments),
        **given(arguments, "calibration_task", "calibration", "text", "text_pair"),
    )
    print(exits_in_words(path))
    if (promise := promise_in_words(path)) is not None:
        print(f"certificate: {promise}")
    print(f"exported: {path}")
