"""`fastbert evaluate`."""

from __future__ import annotations

import argparse

from fastbert_tf.cli.data_arguments import add_column_arguments, add_task_arguments, table_options
from fastbert_tf.cli.options import comma_separated, refuse
from fastbert_tf.cli.policy_argument import add_policy_argument
from fastbert_tf.cli.thread_arguments import add_thread_arguments, thread_options
from fastbert_tf.recipes.evaluate import delivered, evaluate_model


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument("--model", required=True, metavar="DIR", help="a trained classifier (RUN/classifier)")
    parser.add_argument("--output", required=True, metavar="DIR", help="folder for evaluation.json, table and plots")
    add_task_arguments(parser)
    parser.add_argument("--data", metavar="FILE", help="or an own table")
    parser.add_argument("--no_label", action="store_true", help="the table has no labels: costs alone are reported")
    parser.add_argument(
        "--metrics",
        type=comma_separated,
        help="of accuracy, f1, matthews, with commas between, for an own table (default: accuracy)",
    )
    add_column_arguments(parser)
    parser.add_argument(
        "--precision",
        choices=("float32", "bfloat16", "int8"),
        default="float32",
        help="arithmetic of the graph, as in an export (default: %(default)s)",
    )
    parser.add_argument(
        "--calibration",
        metavar="FILE",
        help="rows that int8 is fitted to, with the columns of --data (with --task: its training rows)",
    )
    add_policy_argument(parser)
    parser.add_argument("--speeds", help="thresholds in [0, 1], with commas between (default: 0.0, 0.1 ... 1.0)")
    parser.add_argument(
        "--latency_rows", type=int, default=256, help="rows timed at batch 1 and 32; 0 for none (default: %(default)s)"
    )
    parser.add_argument(
        "--store_texts", action="store_true", help="keep the texts beside the answers, for examples in fastbert report"
    )
    parser.add_argument(
        "--certificate",
        metavar="DIR",
        help="calibration of this classifier in this precision, for its policy and speed",
    )
    parser.add_argument(
        "--speedups",
        metavar="X,...",
        help="with commas between: what the certificate's dial delivers for these requests",
    )
    add_thread_arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    """Evaluates and prints the table."""
    table = table_options(arguments, "data", "text", "text_pair", "label", "no_label", "metrics", "calibration")
    if table.pop("no_label", False):
        refuse(arguments, ["label", "metrics"], "needs labels, but --no_label says there are none; drop one of the two")
        table["label"] = None
    speedups = _numbers("speedups", arguments.speedups) or ()
    report = evaluate_model(
        arguments.model,
        arguments.output,
        task_name=arguments.task,
        folder=arguments.data_dir,
        **table,
        speeds=_numbers("speeds", arguments.speeds),
        latency_rows=arguments.latency_rows,
        precision=arguments.precision,
        policy=arguments.policy,
        certificate=arguments.certificate,
        speedups=speedups,
        store_texts=arguments.store_texts,
        **thread_options(arguments),
        progress=True,
    )
    print(report.text())
    if speedups:
        print(delivered(report, arguments.certificate, speedups))


def _numbers(name: str, value: str | None) -> tuple[float, ...] | None:
    if value is None:
        return None
    try:
        return tuple(float(number) for number in value.split(","))
    except ValueError:
        raise ValueError(f"--{name} must be numbers with commas between, but is {value!r}") from None
