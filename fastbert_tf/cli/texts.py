"""`fastbert texts`."""

from __future__ import annotations

import argparse

from fastbert_tf.cli.options import refuse
from fastbert_tf.recipes.task_files import SAMPLE_TASK, TASK_NAMES, open_task
from fastbert_tf.recipes.task_texts import HELD_OUT, write_task_texts


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument("--task", required=True, nargs="+", choices=TASK_NAMES, help="tasks that are known by name")
    parser.add_argument("--data_dir", metavar="DIR", help="where their files lie (default: FASTBERT_DATA)")
    parser.add_argument("--output", required=True, metavar="DIR", help="the folder for train.txt and held_out.txt")
    parser.add_argument(
        "--held_out",
        type=float,
        default=HELD_OUT,
        metavar="SHARE",
        help="share of the texts that go to held_out.txt (default: %(default)s)",
    )
    parser.add_argument(
        "--calibration_rows",
        type=int,
        default=0,
        metavar="N",
        help="training rows of each task that are left out, to calibrate on (default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of both choices (default: %(default)s)")


def run(arguments: argparse.Namespace) -> None:
    """Writes the files."""
    if set(arguments.task) == {SAMPLE_TASK}:
        refuse(arguments, ["data_dir"], "is where named tasks lie, but the sample has no files; drop it")
    tasks = [open_task(name, folder=arguments.data_dir) for name in arguments.task]
    written = write_task_texts(tasks, arguments.output, arguments.held_out, arguments.calibration_rows, arguments.seed)
    print(written.text())
    print(f"written to {arguments.output}")
