"""`fastbert calibrate`."""

from __future__ import annotations

import argparse

from fastbert_tf.cli.data_arguments import add_column_arguments
from fastbert_tf.cli.options import comma_separated, given, refuse
from fastbert_tf.cli.thread_arguments import add_thread_arguments, thread_options
from fastbert_tf.recipes.calibrate import METHODS, Promise, calibrate_model
from fastbert_tf.recipes.task_files import TASK_NAMES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument("--model", required=True, metavar="DIR", help="a trained classifier (RUN/classifier)")
    parser.add_argument(
        "--max_accuracy_drop",
        type=float,
        required=True,
        metavar="D",
        help="largest drop in accuracy against the full depth, such as 0.01 for one point",
    )
    parser.add_argument(
        "--confidence", type=float, default=0.95, metavar="C", help="with which it holds (default: %(default)s)"
    )
    parser.add_argument(
        "--policy",
        nargs="+",
        metavar="POLICY",
        help="exit policies to choose from, as for evaluate; layer_thresholds and learned_exit without a file are "
        "learned on 30 %% of the rows (default: normalized_entropy)",
    )
    parser.add_argument("--method", choices=METHODS, default=METHODS[0], help="the test (default: %(default)s)")
    parser.add_argument(
        "--exits", type=comma_separated, metavar="2,4,6", help="layers whose branch is on (default: all)"
    )
    parser.add_argument("--output", metavar="DIR", help="folder of the certificate (default: RUN/calibration)")
    parser.add_argument(
        "--data",
        metavar="FILE",
        help="rows that the model has never seen (default: those that train --calibration_rows held out)",
    )
    parser.add_argument("--no_label", action="store_true", help="the table has no labels: answers shall not differ")
    add_column_arguments(parser)
    parser.add_argument(
        "--precision",
        choices=("float32", "bfloat16", "int8"),
        default="float32",
        help="arithmetic of the graph, as in the export (default: %(default)s)",
    )
    sample = parser.add_argument_group("rows that int8 is fitted to, as in the export")
    sample.add_argument("--calibration_task", choices=TASK_NAMES, help="the training rows of a task known by name")
    sample.add_argument("--data_dir", metavar="DIR", help="where the files of named tasks lie (default: FASTBERT_DATA)")
    sample.add_argument("--calibration", metavar="FILE", help="or an own table, with the columns of --data")
    add_thread_arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    """Calibrates, and says what was shown."""
    if arguments.data is None:
        refuse(arguments, ["label", "no_label"], "is about --data; add that or drop this")
    if arguments.data is None and arguments.calibration is None:
        refuse(arguments, ["text", "text_pair"], "has no effect without --data or --calibration; add one or drop this")
    if arguments.calibration_task is None:
        refuse(arguments, ["data_dir"], "has no effect without --calibration_task; add that or drop this")
    else:
        refuse(arguments, ["calibration"], "has no effect beside --calibration_task; drop one of the two")
    table = given(arguments, "data", "text", "text_pair", "label")
    if arguments.no_label:
        refuse(arguments, ["label"], "names labels, but --no_label says there are none; drop one of the two")
        table["label"] = None
    certificate = calibrate_model(
        arguments.model,
        Promise(arguments.max_accuracy_drop, arguments.confidence, arguments.method),
        arguments.output,
        policies=arguments.policy or ("normalized_entropy",),
        precision=arguments.precision,
        exits=_layers(arguments.exits),
        calibration_task=arguments.calibration_task,
        folder=arguments.data_dir,
        calibration=arguments.calibration,
        progress=True,
        **thread_options(arguments),
        **table,
    )
    print(certificate.text())
    print(f"speedups from 1 to {certificate.dial.most:.2f} can be asked for")


def _layers(words: list[str] | None) -> tuple[int, ...] | None:
    try:
        return None if words is None else tuple(map(int, words))
    except ValueError:
        raise ValueError(f"--exits must be layers with commas between, but is {','.join(words or [])!r}") from None
