"""The arguments that name data, shared by commands."""

from __future__ import annotations

import argparse
from typing import Any

from fastbert_tf.cli.options import given, refuse
from fastbert_tf.recipes.task_files import SAMPLE_TASK, TASK_NAMES


def column(value: str) -> str | int:
    """Reads a column: an index from 0 where it is a number, else a name."""
    return int(value) if value.isdigit() else value


def add_task_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the choice of a named task, and where its files lie."""
    parser.add_argument("--task", choices=TASK_NAMES, help="a task that is known by name")
    parser.add_argument("--data_dir", metavar="DIR", help="where the files of named tasks lie (default: FASTBERT_DATA)")


def add_column_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments that describe a user's own tables."""
    group = parser.add_argument_group("own tables (TSV, CSV, JSONL; columns by name or index from 0)")
    group.add_argument("--text", type=column, metavar="COLUMN", help="the text (default: text)")
    group.add_argument("--text_pair", type=column, metavar="COLUMN", help="the second text of a pair task")
    group.add_argument("--label", type=column, metavar="COLUMN", help="the label (default: label)")


def table_options(arguments: argparse.Namespace, *names: str) -> dict[str, Any]:
    """Returns those of the options about own tables that were given.

    Raises:
        ValueError: one of them stands beside `--task`, or `--data_dir` where no named task has files.
    """
    if arguments.task is not None:
        refuse(arguments, names, f"is about own tables, but --task names {arguments.task}; drop one of the two")
    if arguments.task in (None, SAMPLE_TASK):
        refuse(arguments, ["data_dir"], "is where named tasks lie, but none of their files is read here; drop it")
    return given(arguments, *names)
