"""`fastbert report`."""

from __future__ import annotations

import argparse

from fastbert_tf.recipes.report import report_runs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument(
        "runs", nargs="+", metavar="RUN", help="folder of a run with its evaluation, or of an evaluation"
    )
    parser.add_argument(
        "--output", default="report", metavar="DIR", help="folder for report.html and report.md (default: %(default)s)"
    )


def run(arguments: argparse.Namespace) -> None:
    """Writes the report and says where it is."""
    print(report_runs(arguments.runs, arguments.output))
