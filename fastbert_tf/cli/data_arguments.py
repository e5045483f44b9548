"""The arguments that name data, shared by commands."""

from __future__ import annotations

import argparse
from typing import Any

from fastbert_tf.recipes.task_files import TASK_NAMES, open_task


def column(value: str) -> str | int:
    """Reads a column: an index from 0 where it is a number, else a name."""
    return int(value) if value.isdigit() else value


def add_column_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments that describe a user's own tables."""
    group = parser.add_argument_group("own tables (TSV, CSV, JSONL; columns by name or index from 0)")
    group.add_argument("--text", type=column, default="text", metavar="COLUMN", help="the text (default: text)")
    group.add_argument("--text_pair", type=column, metavar="COLUMN", help="the second text of a pair task")
    group.add_argument("--label", type=column, default="label", metavar="COLUMN", help="the label (default: label)")
    group.add_argument("--metrics", default="accuracy", help="of accuracy, f1, matthews, with commas between")


def add_task_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the choice of a named task, and where its files lie."""
    parser.add_argument("--task", choices=TASK_NAMES, help="a task that is known by name")
    parser.add_argument("--data_dir", metavar="DIR", help="where the files of named tasks lie (default: FASTBERT_DATA)")


def task_from(arguments: argparse.Namespace) -> Any:
    """Opens the task that the arguments name."""
    return open_task(
        arguments.task,
        folder=arguments.data_dir,
        train=arguments.train,
        dev=arguments.dev,
        test=arguments.test,
        text=arguments.text,
        text_pair=arguments.text_pair,
        label=arguments.label,
        label_names=arguments.label_names.split(",") if arguments.label_names else None,
        metrics=arguments.metrics.split(","),
    )
